// sample/main.c: a program for a PC that runs the bundle's golden input and compares with its golden output.
import { elementCount } from '../../base/dtype.ts'
import type { ImageInput } from '../../data/input-spec.ts'
import { type PictureInput, pictureInput, preparation } from '../sample/native.ts'
import type { Edge } from '../types.ts'
import { quoted } from './text.ts'

export interface SampleEdge {
  /** In the source model, which names the arrays of the .npz files. */
  name: string
  edge: Edge
  preprocess: ImageInput | null
}

export const howToRun = (
  constants: number,
  arena: number,
  bound: number,
  key: string | null,
): string => `\`model.c\` and \`model.h\` are all that there is to compile: C99, no library, no heap.
${constants} bytes of constants lie in flash beside the code, ${arena} bytes of static memory are needed to compute in (the network needs ${bound} at once).

\`\`\`
cc -std=c99 -O2${key ? ` -DMODEL_KEY=0x${key}ULL` : ''} -I. model.c sample/main.c -o sample/main && sample/main
\`\`\`

\`-Os\` makes the smallest code, \`-O3\` the fastest. \`sample/main.c\` runs \`golden/inputs.npz\` and compares with \`golden/outputs.npz\`; the golden input is synthetic.
\`sample/main picture.ppm\` runs a picture of the model's size, \`sample/main 100\` says what each of 100 runs takes, and with \`-DSAMPLE_THREADS=4 -pthread\` what four threads get done, one after the
other: the network computes in static memory. With \`-DMODEL_DUMP\`
the program prints every layer: \`sample/main > dump.txt && thimble verify . --dump dump.txt\` says where it first differs. With \`-DMODEL_SIMD\` it uses the DSP or NEON
instructions of Arm processors that have them. On a board, call \`model_run\` as \`model.h\` says; \`model_run\` takes one array of
inputs and one of outputs, in the layout of the manifest's \`targetShape\`.`

export function sampleOf(inputs: readonly SampleEdge[], outputs: readonly SampleEdge[]): string {
  const low = inputs[0]?.edge.dtype === 'uint8' ? 0 : -128
  const pictured = inputs.flatMap(({ edge, preprocess }, k) => {
    const picture = pictureInput(preprocess, sourceShape(edge))
    return picture ? [{ k, picture }] : []
  })
  const [first] = pictured
  const usage = `sample/main ${first ? '[PICTURE] ' : ''}[RUNS]`
  return `/* Runs the bundle's golden input and compares with its golden output. On a PC, in the folder of the bundle:
 * cc -std=c99 -O2 -I. model.c sample/main.c -o sample/main && ${usage} */
#include "../model.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* An input or output: as the source model has it (first its axes, of which a permutation gives those of model.h), and its codes. */
struct edge {
  const char *name;
  int rank;
  int shape[6]; /* of the source model */
  int order[6]; /* axis k here is axis order[k] there */
  float scale;  /* 0 where it is in floats */
  int zero;
};

static const struct edge inputs[] = {
${inputs.map(edgeText).join('\n')}
};
static const struct edge outputs[] = {
${outputs.map(edgeText).join('\n')}
};

static MODEL_IN_T in[MODEL_INPUT_SIZE];
static MODEL_OUT_T out[MODEL_OUTPUT_SIZE];

static unsigned long number(const unsigned char *bytes, int count) {
  unsigned long value = 0;
  while (count-- > 0) value = value << 8 | bytes[count];
  return value;
}

/* Goes to the float32 numbers of an array in an .npz file whose entries are stored; 0 where there is none. */
static int find(FILE *file, const char *name) {
  unsigned char head[30];
  char entry[512];
  rewind(file);
  while (fread(head, 1, 30, file) == 30 && number(head, 4) == 0x04034b50ul) {
    const unsigned long size = number(head + 18, 4);
    const unsigned long length = number(head + 26, 2);
    if (length >= sizeof entry || fread(entry, 1, length, file) != length) return 0;
    entry[length] = 0;
    if (fseek(file, (long)number(head + 28, 2), SEEK_CUR) != 0) return 0;
    if (length > 4 && strncmp(entry, name, length - 4) == 0 && strlen(name) == length - 4) {
      unsigned char npy[10];
      char text[512];
      if (fread(npy, 1, 10, file) != 10) return 0;
      const unsigned long header = number(npy + 8, 2);
      if (header >= sizeof text || fread(text, 1, header, file) != header) return 0;
      text[header] = 0;
      return strstr(text, "<f4") != NULL;
    }
    if (fseek(file, (long)size, SEEK_CUR) != 0) return 0;
  }
  return 0;
}

static int elements(const struct edge *e) {
  int count = 1;
  for (int k = 0; k < e->rank; k++) count *= e->shape[k];
  return count;
}

/* Where element i of the source model's array lies in the one of model.h. */
static int place(const struct edge *e, int i) {
  int index[6];
  for (int k = e->rank - 1; k >= 0; k--) {
    index[k] = i % e->shape[k];
    i /= e->shape[k];
  }
  int at = 0;
  for (int k = 0; k < e->rank; k++) at = at * e->shape[e->order[k]] + index[e->order[k]];
  return at;
}

static MODEL_IN_T coded(const struct edge *e, float value) {
  if (e->scale == 0.0f) return (MODEL_IN_T)value;
  float code = value / e->scale;
  code = code < -1000.0f ? -1000.0f : code > 1000.0f ? 1000.0f : code;
  code = (float)((int)(code + (code < 0.0f ? -0.5f : 0.5f)) + e->zero);
  return (MODEL_IN_T)(code < ${low}.0f ? ${low}.0f : code > ${low + 255}.0f ? ${low + 255}.0f : code);
}

${first ? pictureCode(first.k, first.picture, inputs) : ''}
/* Feeds the golden input; 0 where it is not there. */
static int feed_golden(FILE *given) {
  int at = 0;
  for (size_t k = 0; k < sizeof inputs / sizeof *inputs; k++) {
    const struct edge *e = &inputs[k];
    if (!find(given, e->name)) {
      fprintf(stderr, "golden/inputs.npz has no floats for %s.\\n", e->name);
      return 0;
    }
    for (int i = 0; i < elements(e); i++) {
      float value;
      if (fread(&value, sizeof value, 1, given) != 1) return 0;
      in[at + place(e, i)] = coded(e, value);
    }
    at += elements(e);
  }
  return 1;
}

/* A number of an output as the source model has it. */
static float restored(const struct edge *e, MODEL_OUT_T value) {
  return e->scale == 0.0f ? (float)value : ((float)value - (float)e->zero) * e->scale;
}

/* How many numbers differ from the golden output; -1 where that is not there. */
static int compare(FILE *wanted) {
  int differing = 0;
  int at = 0;
  for (size_t k = 0; k < sizeof outputs / sizeof *outputs; k++) {
    const struct edge *e = &outputs[k];
    if (!find(wanted, e->name)) {
      fprintf(stderr, "golden/outputs.npz has no floats for %s.\\n", e->name);
      return -1;
    }
    float largest = 0.0f;
    int different = 0;
    for (int i = 0; i < elements(e); i++) {
      float value;
      if (fread(&value, sizeof value, 1, wanted) != 1) return -1;
      const float got = restored(e, out[at + place(e, i)]);
      const float error = got > value ? got - value : value - got;
      largest = error > largest ? error : largest;
      different += error > 0.0f;
    }
    /* stdout is the dump's. */
    fprintf(stderr, "%s: %d of %d values differ from the golden output, at most by %g\\n", e->name, different, elements(e), (double)largest);
    differing += different;
    at += elements(e);
  }
  return differing;
}

${first ? telling : ''}static int by_time(const void *a, const void *b) {
  const double x = *(const double *)a, y = *(const double *)b;
  return x < y ? -1 : x > y;
}

/* What a run takes of the processor: the median, and the time that nine of ten are below. */
static void measure(int runs) {
  double *times = malloc((size_t)runs * sizeof *times);
  if (times == NULL) return;
  for (int i = 0; i < runs; i++) {
    const clock_t start = clock();
    model_run(in, out);
    times[i] = 1000.0 * (double)(clock() - start) / CLOCKS_PER_SEC;
  }
  qsort(times, (size_t)runs, sizeof *times, by_time);
  fprintf(stderr, "one run: median %.3f ms, 90th percentile %.3f ms\\n", times[runs / 2], times[(runs - 1) * 9 / 10]);
  free(times);
}

#ifdef SAMPLE_THREADS
#include <pthread.h>

static pthread_mutex_t turn = PTHREAD_MUTEX_INITIALIZER;
static MODEL_IN_T in_of[SAMPLE_THREADS][MODEL_INPUT_SIZE];
static MODEL_OUT_T out_of[SAMPLE_THREADS][MODEL_OUTPUT_SIZE];
static int runs_of_each;

/* The network computes in static memory: each thread waits for its turn. */
static void *work(void *which) {
  const size_t k = *(const size_t *)which;
  memcpy(in_of[k], in, sizeof in);
  for (int i = 0; i < runs_of_each; i++) {
    pthread_mutex_lock(&turn);
    model_run(in_of[k], out_of[k]);
    pthread_mutex_unlock(&turn);
  }
  return NULL;
}

static void together(int runs) {
  pthread_t threads[SAMPLE_THREADS];
  size_t which[SAMPLE_THREADS];
  size_t begun = 0;
  runs_of_each = runs;
  for (; begun < SAMPLE_THREADS; begun++) {
    which[begun] = begun;
    if (pthread_create(&threads[begun], NULL, work, &which[begun]) != 0) break;
  }
  int same = 1;
  for (size_t k = 0; k < begun; k++) {
    pthread_join(threads[k], NULL);
    same &= memcmp(out_of[k], out, sizeof out) == 0;
  }
  fprintf(stderr, "%d threads: %s\\n", (int)begun, same ? "all gave the same" : "THEY DIFFER");
}
#endif

int main(int argc, char **argv) {
  int runs = 0;
  int differing = 0;
  const char *picture = NULL;
  for (int i = 1; i < argc; i++) {
    if (atoi(argv[i]) > 0) runs = atoi(argv[i]);
    else picture = argv[i];
  }
  if (picture != NULL) {
${
  first
    ? `    if (!feed_picture(picture)) {
      fprintf(stderr, "%s is no picture of %d x %d pixels that can be read\\n", picture, picture_width, picture_height);
      return 2;
    }
    model_run(in, out);
    tell();`
    : `    fprintf(stderr, "usage: ${usage}\\n");
    return 2;`
}
  } else {
    FILE *given = fopen("golden/inputs.npz", "rb");
    FILE *wanted = fopen("golden/outputs.npz", "rb");
    if (given == NULL || wanted == NULL) {
      fprintf(stderr, "Run it in the folder of the bundle, where golden/inputs.npz is. Usage: ${usage}\\n");
      return 2;
    }
    if (!feed_golden(given)) return 2;
    model_run(in, out);
    differing = compare(wanted);
    fclose(given);
    fclose(wanted);
  }
  if (runs > 0) measure(runs);
#ifdef SAMPLE_THREADS
  together(runs > 0 ? runs : 1);
#endif
  /* All memory is static: there is nothing to release. */
  return differing != 0;
}
`
}

const telling = `/* The first numbers of each output. */
static void tell(void) {
  int at = 0;
  for (size_t k = 0; k < sizeof outputs / sizeof *outputs; k++) {
    const struct edge *e = &outputs[k];
    fprintf(stderr, "%s:", e->name);
    for (int i = 0; i < elements(e) && i < 10; i++) fprintf(stderr, " %g", (double)restored(e, out[at + place(e, i)]));
    fprintf(stderr, "\\n");
    at += elements(e);
  }
}

`

/** The picture goes where its input begins. */
function pictureCode(k: number, picture: PictureInput, inputs: readonly SampleEdge[]): string {
  const at = inputs.slice(0, k).reduce((n, { edge }) => n + elementCount(edge.shape as readonly number[]), 0)
  const { layout } = picture.spec
  const index = layout === 'NCHW' ? 'c * picture_height * picture_width + i' : 'i * picture_channels + c'
  return `${preparation(picture)}
/* Feeds a picture; 0 where it cannot be read. */
static int feed_picture(const char *path) {
  static unsigned char pixels[picture_height * picture_width * picture_channels];
  const struct edge *e = &inputs[${k}];
  if (!read_picture(path, pixels)) return 0;
  for (int i = 0; i < picture_height * picture_width; i++)
    for (int c = 0; c < picture_channels; c++)
      in[${at} + place(e, ${index})] = coded(e, prepared(pixels, i, c));
  return 1;
}
`
}

/** As the source model has it. */
function sourceShape({ shape, layout }: Edge): readonly number[] {
  const here = shape as readonly number[]
  return layout === 'NHWC' ? [here[0], here[3], here[1], here[2]] : here
}

function edgeText({ name, edge }: SampleEdge): string {
  const { shape, layout, scale, zeroPoint } = edge
  const here = shape as readonly number[]
  const turned = layout === 'NHWC'
  const order = turned ? [0, 2, 3, 1] : here.map((_, axis) => axis)
  const source = sourceShape(edge)
  // What has more axes than are told apart lies in the same order.
  const flat = source.length > 6
  const list = (values: readonly number[]): string => `{${values.length > 0 ? values.join(', ') : '1'}}`
  const [axes, turns] = flat ? [[elementCount(source)], [0]] : [source, order]
  return `  {${quoted(name)}, ${axes.length}, ${list(axes)}, ${list(turns)}, ${Math.fround(scale ?? 0).toPrecision(9)}f, ${zeroPoint ?? 0}},`
}
