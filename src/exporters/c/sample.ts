// sample/main.c: a program for a PC that runs the bundle's golden input and compares with its golden output.
import { elementCount } from '../../base/dtype.ts'
import type { Edge } from '../types.ts'
import { quoted } from './text.ts'

export interface SampleEdge {
  /** In the source model, which names the arrays of the .npz files. */
  name: string
  edge: Edge
}

export const howToRun = (
  constants: number,
  arena: number,
  bound: number,
): string => `\`model.c\` and \`model.h\` are all that there is to compile: C99, no library, no heap.
${constants} bytes of constants lie in flash beside the code, ${arena} bytes of static memory are needed to compute in (the network needs ${bound} at once).

\`\`\`
cc -std=c99 -O2 -I. model.c sample/main.c -o sample/main && sample/main
\`\`\`

\`-Os\` makes the smallest code, \`-O3\` the fastest. \`sample/main.c\` runs \`golden/inputs.npz\` and compares with \`golden/outputs.npz\`; the golden input is synthetic. With \`-DMODEL_DUMP\`
the program prints every layer: \`sample/main > dump.txt && thimble verify . --dump dump.txt\` says where it first differs. With \`-DMODEL_SIMD\` it uses the DSP or NEON
instructions of Arm processors that have them. On a board, call \`model_run\` as \`model.h\` says; \`model_run\` takes one array of
inputs and one of outputs, in the layout of the manifest's \`targetShape\`.`

export function sampleOf(inputs: readonly SampleEdge[], outputs: readonly SampleEdge[]): string {
  const low = inputs[0]?.edge.dtype === 'uint8' ? 0 : -128
  return `/* Runs the bundle's golden input and compares with its golden output. On a PC, in the folder of the bundle:
 * cc -std=c99 -O2 -I. model.c sample/main.c -o sample/main && sample/main */
#include "../model.h"

#include <stdio.h>
#include <string.h>

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

int main(void) {
  FILE *given = fopen("golden/inputs.npz", "rb");
  FILE *wanted = fopen("golden/outputs.npz", "rb");
  if (given == NULL || wanted == NULL) {
    printf("Run it in the folder of the bundle, where golden/inputs.npz is.\\n");
    return 2;
  }
  int at = 0;
  for (size_t k = 0; k < sizeof inputs / sizeof *inputs; k++) {
    const struct edge *e = &inputs[k];
    if (!find(given, e->name)) {
      printf("golden/inputs.npz has no floats for %s.\\n", e->name);
      return 2;
    }
    for (int i = 0; i < elements(e); i++) {
      float value;
      if (fread(&value, sizeof value, 1, given) != 1) return 2;
      in[at + place(e, i)] = coded(e, value);
    }
    at += elements(e);
  }

  model_run(in, out);

  int differing = 0;
  at = 0;
  for (size_t k = 0; k < sizeof outputs / sizeof *outputs; k++) {
    const struct edge *e = &outputs[k];
    if (!find(wanted, e->name)) {
      printf("golden/outputs.npz has no floats for %s.\\n", e->name);
      return 2;
    }
    float largest = 0.0f;
    int different = 0;
    for (int i = 0; i < elements(e); i++) {
      float value;
      if (fread(&value, sizeof value, 1, wanted) != 1) return 2;
      float got = (float)out[at + place(e, i)];
      if (e->scale != 0.0f) got = (got - (float)e->zero) * e->scale;
      const float error = got > value ? got - value : value - got;
      largest = error > largest ? error : largest;
      different += error > 0.0f;
    }
    /* stdout is the dump's. */
    fprintf(stderr, "%s: %d of %d values differ from the golden output, at most by %g\\n", e->name, different, elements(e), (double)largest);
    differing += different;
    at += elements(e);
  }
  fclose(given);
  fclose(wanted);
  return differing > 0;
}
`
}

function edgeText({ name, edge: { shape, layout, scale, zeroPoint } }: SampleEdge): string {
  const here = shape as readonly number[]
  const turned = layout === 'NHWC'
  const order = turned ? [0, 2, 3, 1] : here.map((_, axis) => axis)
  const source = turned ? [here[0], here[3], here[1], here[2]] : here
  // What has more axes than are told apart lies in the same order.
  const flat = source.length > 6
  const list = (values: readonly number[]): string => `{${values.length > 0 ? values.join(', ') : '1'}}`
  const [axes, turns] = flat ? [[elementCount(source)], [0]] : [source, order]
  return `  {${quoted(name)}, ${axes.length}, ${list(axes)}, ${list(turns)}, ${Math.fround(scale ?? 0).toPrecision(9)}f, ${zeroPoint ?? 0}},`
}
