// A program that runs an ncnn bundle on pixels, with the pre-processing as ncnn takes it: x = (pixel - mean) * norm.
import type { ImageInput } from '../../data/input-spec.ts'
import {
  cppArguments,
  cppIncludes,
  cppMeasuring,
  numbers,
  type PictureInput,
  pictureInput,
  preparation,
  reading,
} from '../sample/native.ts'

export interface Described {
  blob: string
  shape: readonly number[] // with the batch
  preprocess: ImageInput | null
}

/** mean and norm of each channel, for Mat::substract_mean_normalize. */
export function meanNorm({ scale, mean, std }: ImageInput): { mean: number[]; norm: number[] } {
  return { mean: mean.map(m => m / scale), norm: std.map(s => scale / s) }
}

export function howToRun(inputs: readonly Described[]): string {
  const lines = inputs.flatMap(({ blob, preprocess }) => {
    if (!preprocess) return []
    const { mean, norm } = meanNorm(preprocess)
    return [
      `Blob \`${blob}\`, ${preprocess.color}, ${preprocess.layout}: \`mean_vals = {${numbers(mean)}}\`, \`norm_vals = {${numbers(norm)}}\`.`,
    ]
  })
  return `With ncnn built and installed in \`$NCNN\`:

\`\`\`
g++ -O2 -std=c++17 sample/run.cpp -I$NCNN/include/ncnn -L$NCNN/lib -lncnn -fopenmp -pthread -o run
./run .
\`\`\`

In Python: \`pip install ncnn\`, then \`net.load_param("model.param"); net.load_model("model.bin")\`. ${lines.join(' ')}
Blobs have no batch dimension. \`model.table\`, where it is there, has the scales as ncnn2int8 reads them.`
}

export function sampleProgram(inputs: readonly Described[], outputs: readonly string[]): string {
  const pictured = inputs.find(described => pictureOf(described) !== null)
  const picture = pictured ? pictureOf(pictured) : null
  return `// Runs the bundle on a picture, or zeros where it takes none, prints the first numbers of each output, and measures it. How to compile
// it is said in README.md: ./run FOLDER [PICTURE.ppm] [RUNS] [THREADS]
${cppIncludes}

#include <string>

#include <net.h>

${cppMeasuring}
${picture ? (picture.spec.layout === 'NCHW' ? reading(picture) : preparation(picture)) : ''}
// One run: an extractor of its own, which threads cannot share; the network they can.
int infer(ncnn::Net &net, const std::vector<unsigned char> &pixels, std::vector<ncnn::Mat> &results) {
  ncnn::Extractor extractor = net.create_extractor();
  (void)pixels;
${inputs.map(described => inputCode(described, described === pictured)).join('\n')}
  results.clear();
  for (const char *name : {${outputs.map(name => JSON.stringify(name)).join(', ')}}) {
    ncnn::Mat out;
    if (extractor.extract(name, out)) return 1;
    results.push_back(out);
  }
  return 0;
}

int main(int argc, char **argv) {
  const std::string folder = argc > 1 ? argv[1] : ".";
${cppArguments(picture !== null)}

  ncnn::Net net;
  // Several threads run one network each on a core of their own.
  net.opt.num_threads = 1;
  if (net.load_param((folder + "/model.param").c_str()) || net.load_model((folder + "/model.bin").c_str())) {
    std::fprintf(stderr, "the model does not load\\n");
    return 1;
  }
  std::vector<ncnn::Mat> results;
  if (infer(net, pixels, results)) return 1;
  for (const ncnn::Mat &out : results) {
    const ncnn::Mat flat = out.reshape(out.w * out.h * out.d * out.c);
    for (int i = 0; i < std::min(10, flat.w); i++) std::printf("%g ", flat[i]);
    std::printf("\\n");
  }
  measure([&] { infer(net, pixels, results); }, runs);
  std::vector<Run> each;
  for (int i = 0; i < threads; i++) {
    auto own = std::make_shared<std::vector<ncnn::Mat>>();
    each.push_back([own, &net, &pixels] { infer(net, pixels, *own); });
  }
  together(each, runs);
  net.clear();
  return 0;
}
`
}

/** Blobs have no batch; the spec counts axes with it. */
const pictureOf = ({ shape, preprocess }: Described): PictureInput | null => pictureInput(preprocess, shape)

function inputCode(described: Described, fed: boolean): string {
  const { blob, shape, preprocess } = described
  const [, ...inner] = shape
  const name = JSON.stringify(blob)
  if (!preprocess || !fed)
    return `  {
    ncnn::Mat in(${[...inner].reverse().join(', ')});
    in.fill(0.f); // put the sample here
    extractor.input(${name}, in);
  }`
  const { mean, norm } = meanNorm(preprocess)
  if (preprocess.layout === 'NCHW') {
    const type = { RGB: 'PIXEL_RGB', BGR: 'PIXEL_RGB2BGR', GRAY: 'PIXEL_GRAY' }[preprocess.color]
    return `  {
    // Pixels of the model's size; from_pixels_resize scales others.
    ncnn::Mat in = ncnn::Mat::from_pixels(pixels.data(), ncnn::Mat::${type}, picture_width, picture_height);
    const float mean_vals[] = {${numbers(mean)}};
    const float norm_vals[] = {${numbers(norm)}};
    in.substract_mean_normalize(mean_vals, norm_vals);
    extractor.input(${name}, in);
  }`
  }
  return `  {
    // This network takes channels last.
    ncnn::Mat in(picture_channels, picture_width, picture_height);
    for (int y = 0; y < picture_height; y++)
      for (int x = 0; x < picture_width; x++)
        for (int c = 0; c < picture_channels; c++)
          in.channel(y).row(x)[c] = prepared(pixels.data(), y * picture_width + x, c);
    extractor.input(${name}, in);
  }`
}
