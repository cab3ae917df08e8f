// What sample programs in C and C++ share: pictures read and prepared by the input spec, and how runs are timed, alone and on several
// threads.
import type { ImageInput } from '../../data/input-spec.ts'

const number = (value: number): string => {
  const text = String(Number(value.toPrecision(9)))
  return `${/[.e]/.test(text) ? text : `${text}.0`}f`
}
export const numbers = (values: readonly number[]): string => values.map(number).join(', ')

/** An input that takes a picture: its axes in the program's array, and what is done before. */
export interface PictureInput {
  spec: ImageInput
  height: number
  width: number
  channels: number
}

/** The sizes of an input of one picture whose axes lie as `spec` says; null for all others. */
export function pictureInput(spec: ImageInput | null, shape: readonly unknown[]): PictureInput | null {
  if (!spec || shape.length !== 4) return null
  const [height, width, channels] = (spec.layout === 'NCHW' ? [2, 3, 1] : [1, 2, 3]).map(axis => Number(shape[axis]))
  const fits = [height, width, channels].every(size => size > 0) && channels === (spec.color === 'GRAY' ? 1 : 3)
  return fits ? { spec, height, width, channels } : null
}

/** In C, which is C++ too. */
export function reading({ height, width, channels }: PictureInput): string {
  const kind = channels === 3 ? 'P6, a .ppm file' : 'P5, a .pgm file'
  return `enum { picture_height = ${height}, picture_width = ${width}, picture_channels = ${channels} };

/* Reads the pixels of a picture (${kind}) of exactly that size; 0 where it is none. */
static int read_picture(const char *path, unsigned char *pixels) {
  const size_t count = (size_t)picture_height * picture_width * picture_channels;
  FILE *file = fopen(path, "rb");
  char kind = 0;
  int width = 0, height = 0, most = 0;
  const int known = file != NULL && fscanf(file, "P%c %d %d %d", &kind, &width, &height, &most) == 4 &&
                    fgetc(file) != EOF && kind == '${channels === 3 ? '6' : '5'}' && width == picture_width &&
                    height == picture_height && most == 255 && fread(pixels, 1, count, file) == count;
  if (file != NULL) fclose(file);
  return known;
}
`
}

/** Reading, and value = (pixel * scale - mean) / std = pixel * (scale / std) - mean / std. In C, which is C++ too. */
export function preparation(picture: PictureInput): string {
  const { spec, channels } = picture
  const each = <T>(f: (c: number) => T): T[] => Array.from({ length: channels }, (_, c) => f(c))
  const at = (list: readonly number[], c: number): number => list[c % list.length]
  return `${reading(picture)}
/* Channel c of pixel i of a picture as the model is fed: (pixel * scale - mean) / std, in the order ${spec.color}. */
static float prepared(const unsigned char *pixels, int i, int c) {
  static const float factor[] = {${numbers(each(c => spec.scale / at(spec.std, c)))}};
  static const float offset[] = {${numbers(each(c => -at(spec.mean, c) / at(spec.std, c)))}};
  return (float)pixels[i * picture_channels + ${spec.color === 'BGR' ? '2 - c' : 'c'}] * factor[c] + offset[c];
}
`
}

/** In C++: each number of a prepared picture with its place in the array. */
export const filling = (layout: 'NCHW' | 'NHWC'): string => `
// Gives every number of the picture, with its place in the input.
template <typename Store>
void fill(const unsigned char *pixels, Store store) {
  for (int i = 0; i < picture_height * picture_width; i++)
    for (int c = 0; c < picture_channels; c++)
      store(${layout === 'NCHW' ? 'c * picture_height * picture_width + i' : 'i * picture_channels + c'}, prepared(pixels, i, c));
}
`

export const cppIncludes = [
  'algorithm',
  'chrono',
  'cstdint',
  'cstdio',
  'cstdlib',
  'functional',
  'memory',
  'thread',
  'vector',
]
  .map(name => `#include <${name}>`)
  .join('\n')

export const cppMeasuring = `using Run = std::function<void()>;
using Clock = std::chrono::steady_clock;

double milliseconds(Clock::duration time) { return std::chrono::duration<double, std::milli>(time).count(); }

// What a run takes: the median, and the time that nine of ten are below. The first runs warm up.
void measure(const Run &run, int runs) {
  for (int i = 0; i < 3; i++) run();
  std::vector<double> times;
  for (int i = 0; i < runs; i++) {
    const auto start = Clock::now();
    run();
    times.push_back(milliseconds(Clock::now() - start));
  }
  std::sort(times.begin(), times.end());
  std::printf("one run: median %.3f ms, 90th percentile %.3f ms\\n", times[times.size() / 2], times[(times.size() - 1) * 9 / 10]);
}

// Several threads at once, each with a run of its own.
void together(const std::vector<Run> &each, int runs) {
  const auto start = Clock::now();
  std::vector<std::thread> threads;
  for (const Run &run : each)
    threads.emplace_back([&run, runs] {
      for (int i = 0; i < runs; i++) run();
    });
  for (std::thread &thread : threads) thread.join();
  const double seconds = milliseconds(Clock::now() - start) / 1000;
  std::printf("%zu threads: %.1f runs a second\\n", each.size(), static_cast<double>(each.size()) * runs / seconds);
}
`

/** In C++, within a loop over the words of the command line: numbers are runs and threads, all else is a picture. */
const argumentCode = (takesPicture: boolean): string => `    if (std::atoi(argv[i]) > 0) {
      numbers.push_back(std::atoi(argv[i]));
      continue;
    }
${
  takesPicture
    ? `    if (!read_picture(argv[i], pixels.data())) {
      std::fprintf(stderr, "%s is no picture of %d x %d pixels that can be read\\n", argv[i], picture_width, picture_height);
      return 2;
    }`
    : `    std::fprintf(stderr, "%s: the model takes no picture\\n", argv[i]);
    return 2;`
}`

/** The front of a C++ program's `main`, which leaves `pixels`, `runs` and `threads`. */
export const cppArguments = (
  pictured: boolean,
): string => `  std::vector<unsigned char> pixels(${pictured ? 'picture_height * picture_width * picture_channels' : '1'}, 128);
  std::vector<int> numbers;
  for (int i = 2; i < argc; i++) {
${argumentCode(pictured)}
  }
  const int runs = numbers.empty() ? 20 : numbers[0];
  const int threads = numbers.size() < 2 ? 2 : numbers[1];`
