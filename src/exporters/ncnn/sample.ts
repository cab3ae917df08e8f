// A program that runs an ncnn bundle on pixels, with the pre-processing as ncnn takes it: x = (pixel - mean) * norm.
import type { ImageInput } from '../../data/input-spec.ts'

export interface Described {
  blob: string
  shape: readonly number[] // with the batch
  preprocess: ImageInput | null
}

/** mean and norm of each channel, for Mat::substract_mean_normalize. */
export function meanNorm({ scale, mean, std }: ImageInput): { mean: number[]; norm: number[] } {
  return { mean: mean.map(m => m / scale), norm: std.map(s => scale / s) }
}

const number = (value: number): string => {
  const text = String(Number(value.toPrecision(9)))
  return `${/[.e]/.test(text) ? text : `${text}.0`}f`
}

export function howToRun(inputs: readonly Described[]): string {
  const lines = inputs.flatMap(({ blob, preprocess }) => {
    if (!preprocess) return []
    const { mean, norm } = meanNorm(preprocess)
    return [
      `Blob \`${blob}\`, ${preprocess.color}, ${preprocess.layout}: \`mean_vals = {${mean.map(number).join(', ')}}\`, \`norm_vals = {${norm.map(number).join(', ')}}\`.`,
    ]
  })
  return `With ncnn built and installed in \`$NCNN\`:

\`\`\`
g++ -O2 -std=c++17 sample/run.cpp -I$NCNN/include/ncnn -L$NCNN/lib -lncnn -fopenmp -o run
./run .
\`\`\`

In Python: \`pip install ncnn\`, then \`net.load_param("model.param"); net.load_model("model.bin")\`. ${lines.join(' ')}
Blobs have no batch dimension. \`model.table\`, where it is there, has the scales as ncnn2int8 reads them.`
}

export function sampleProgram(inputs: readonly Described[], outputs: readonly string[]): string {
  return `// Runs the bundle on one sample and prints the first numbers of each output. How to compile it is said in README.md.
#include <net.h>

#include <algorithm>
#include <cstdio>
#include <string>
#include <vector>

int main(int argc, char **argv) {
  const std::string folder = argc > 1 ? argv[1] : ".";
  ncnn::Net net;
  if (net.load_param((folder + "/model.param").c_str()) || net.load_model((folder + "/model.bin").c_str())) {
    std::fprintf(stderr, "the model does not load\\n");
    return 1;
  }
  ncnn::Extractor extractor = net.create_extractor();
${inputs.map(inputCode).join('\n')}
  for (const char *name : {${outputs.map(name => JSON.stringify(name)).join(', ')}}) {
    ncnn::Mat out;
    if (extractor.extract(name, out)) return 1;
    ncnn::Mat flat = out.reshape(out.w * out.h * out.d * out.c);
    for (int i = 0; i < std::min(10, flat.w); i++) std::printf("%s[%d] %g\\n", name, i, flat[i]);
  }
  return 0;
}
`
}

function inputCode({ blob, shape, preprocess }: Described): string {
  const [, ...inner] = shape
  const sizes = [...inner].reverse()
  const name = JSON.stringify(blob)
  const zeros = `  {
    ncnn::Mat in(${sizes.join(', ')});
    in.fill(0.f); // put the sample here
    extractor.input(${name}, in);
  }`
  if (!preprocess || inner.length !== 3) return zeros
  const { mean, norm } = meanNorm(preprocess)
  const values = `    const float mean_vals[] = {${mean.map(number).join(', ')}};
    const float norm_vals[] = {${norm.map(number).join(', ')}};`
  if (preprocess.layout === 'NCHW') {
    const [channels, height, width] = inner
    const type = { RGB: 'PIXEL_RGB', BGR: 'PIXEL_RGB2BGR', GRAY: 'PIXEL_GRAY' }[preprocess.color]
    return `  {
    // Pixels in ${preprocess.color === 'GRAY' ? 'grey' : 'RGB'}, row by row, already of the model's size; from_pixels_resize scales others.
    std::vector<unsigned char> pixels(${channels} * ${height} * ${width}, 128);
    ncnn::Mat in = ncnn::Mat::from_pixels(pixels.data(), ncnn::Mat::${type}, ${width}, ${height});
${values}
    in.substract_mean_normalize(mean_vals, norm_vals);
    extractor.input(${name}, in);
  }`
  }
  const [height, width, channels] = inner
  return `  {
    // Pixels in ${preprocess.color}, row by row, already of the model's size; this network takes channels last.
    std::vector<unsigned char> pixels(${height} * ${width} * ${channels}, 128);
${values}
    ncnn::Mat in(${channels}, ${width}, ${height});
    for (int y = 0; y < ${height}; y++)
      for (int x = 0; x < ${width}; x++)
        for (int k = 0; k < ${channels}; k++)
          in.channel(y).row(x)[k] = (pixels[(y * ${width} + x) * ${channels} + k] - mean_vals[k]) * norm_vals[k];
    extractor.input(${name}, in);
  }`
}
