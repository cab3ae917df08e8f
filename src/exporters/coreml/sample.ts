// What stands beside a Core ML package for the person who runs it: in Swift for an app, in Python for a Mac.
import { pythonProgram, pythonSaid } from '../sample/python.ts'
import type { Featured } from './features.ts'

export const howToRun = `**Not run on its own runtime**: Core ML is on Apple's systems alone. On a Mac:

\`\`\`
pip install "coremltools>=8" numpy && python sample/run.py
xcrun swiftc -O sample/Predict.swift -o predict && ./predict model.mlpackage
\`\`\`

${pythonSaid} Drag \`model.mlpackage\` into an Xcode project to get a class of its own;
\`sample/Predict.swift\` compiles and runs it without one. On Linux and Windows \`coremltools\` still reads and checks the package.`

export const runPython = pythonProgram({
  packages: '"coremltools>=8"',
  imports: 'import coremltools as ct',
  body: `
def load():
    """A session. Other units: CPU_ONLY, CPU_AND_GPU, ALL."""
    return ct.models.MLModel(str(here / manifest["files"]["model"]), compute_units=ct.ComputeUnit.CPU_AND_NE)


def image(x):
    """Pixels of an input that takes an image."""
    from PIL import Image

    x = np.clip(np.round(x.reshape(x.shape[-3:])), 0, 255).astype(np.uint8)
    x = x.transpose(1, 2, 0) if x.shape[0] in (1, 3) else x
    return Image.fromarray(x[..., 0] if x.shape[2] == 1 else x)


def infer(session, feeds):
    given = {}
    for tensor in manifest["inputs"]:
        x = feeds[tensor["name"]]
        takes_image = tensor["targetDtype"] == "uint8" and tensor["targetLayout"] == "NCHW"
        given[tensor["targetName"]] = image(x) if takes_image else x.astype(tensor["targetDtype"])
    results = session.predict(given)
    return {tensor["name"]: np.asarray(results[tensor["targetName"]]) for tensor in manifest["outputs"]}

`,
})

const shapeText = (shape: readonly unknown[]): string => `[${shape.join(', ')}]`

/** Loads, feeds, runs, reads, and measures, alone and on several threads. */
export function runSwift(inputs: readonly Featured[]): string {
  const feeding = inputs.map(({ feature, edge }) =>
    'image' in feature
      ? `    let ${feature.name}_image = try pixels(width: ${feature.width}, height: ${feature.height}, gray: ${feature.image === 'GRAY'}, picture: picture)
    values[${JSON.stringify(feature.name)}] = MLFeatureValue(pixelBuffer: ${feature.name}_image)`
      : `    // Put the prepared sample here; README.md says how it is made.
    values[${JSON.stringify(feature.name)}] = MLFeatureValue(multiArray: try MLMultiArray(shape: ${shapeText(edge.shape)}, dataType: .${feature.array === 'int32' ? 'int32' : 'float32'}))`,
  )
  return `// Runs the model once, prints the first numbers of each output, and measures it. On a Mac, in the folder of the bundle:
// xcrun swiftc -O sample/Predict.swift -o predict && ./predict model.mlpackage [picture.png] [runs] [threads]
import CoreImage
import CoreML
import Dispatch
import Foundation

enum Failure: Error { case picture(String) }

/// A picture in the size of the input, which the model normalises itself; grey without a picture.
func pixels(width: Int, height: Int, gray: Bool, picture: String?) throws -> CVPixelBuffer {
    var made: CVPixelBuffer?
    let format = gray ? kCVPixelFormatType_OneComponent8 : kCVPixelFormatType_32BGRA
    CVPixelBufferCreate(nil, width, height, format, nil, &made)
    guard let buffer = made else { throw Failure.picture("no memory for a picture") }
    guard let path = picture else { return buffer }
    guard let image = CIImage(contentsOf: URL(fileURLWithPath: path)) else { throw Failure.picture(path) }
    let scale = CGAffineTransform(
        scaleX: CGFloat(width) / image.extent.width, y: CGFloat(height) / image.extent.height)
    CIContext().render(image.transformed(by: scale), to: buffer)
    return buffer
}

func feeds(picture: String?) throws -> MLFeatureProvider {
    var values: [String: MLFeatureValue] = [:]
${feeding.join('\n')}
    return try MLDictionaryFeatureProvider(dictionary: values)
}

func milliseconds(_ run: () throws -> Void) rethrows -> Double {
    let start = DispatchTime.now().uptimeNanoseconds
    try run()
    return Double(DispatchTime.now().uptimeNanoseconds - start) / 1e6
}

let arguments = CommandLine.arguments
guard arguments.count > 1 else {
    print("usage: predict MODEL.mlpackage [PICTURE] [RUNS] [THREADS]")
    exit(2)
}
let picture = arguments.count > 2 && FileManager.default.fileExists(atPath: arguments[2]) ? arguments[2] : nil
let numbers = arguments.dropFirst(2).compactMap { Int($0) }
let runs = max(numbers.first ?? 20, 1)
let threads = numbers.dropFirst().first ?? 2

let configuration = MLModelConfiguration()
configuration.computeUnits = .cpuAndNeuralEngine
let compiled = try MLModel.compileModel(at: URL(fileURLWithPath: arguments[1]))
defer { try? FileManager.default.removeItem(at: compiled) }
let model = try MLModel(contentsOf: compiled, configuration: configuration)
let input = try feeds(picture: picture)

let output = try model.prediction(from: input)
for name in output.featureNames.sorted() {
    guard let array = output.featureValue(for: name)?.multiArrayValue else { continue }
    let first = (0..<min(10, array.count)).map { array[$0].stringValue }
    print("\\(name) \\(array.shape): \\(first.joined(separator: " "))")
}

for _ in 0..<3 { _ = try model.prediction(from: input) }
let times = try (0..<runs).map { _ in try milliseconds { _ = try model.prediction(from: input) } }.sorted()
print("one run: median \\(times[runs / 2]) ms, 90th percentile \\(times[Int(0.9 * Double(runs - 1))]) ms")

// Each thread has a model of its own; Core ML releases it when it is no longer referred to.
let models = try (0..<threads).map { _ in try MLModel(contentsOf: compiled, configuration: configuration) }
let elapsed = milliseconds {
    DispatchQueue.concurrentPerform(iterations: threads) { thread in
        for _ in 0..<runs { _ = try? models[thread].prediction(from: input) }
    }
}
print("\\(threads) threads: \\(Double(threads * runs) * 1000 / elapsed) runs a second")
`
}
