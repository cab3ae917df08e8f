"""Runs .tflite files in LiteRT's reference kernels or in TFLite Micro, whichever is installed here:

    python run-tflite.py FOLDER [--all] [--optimized | --default]

For every FOLDER/k.tflite it reads FOLDER/k.in.npz, which has an array for each input, by name or, for TFLite Micro, in the order of
the inputs, its first axis being the samples, and writes FOLDER/k.out.npz with one for each output, or, with --all, one for each tensor
that LiteRT computed; or FOLDER/k.err with the runtime's words. --optimized: LiteRT's optimised kernels; --default: XNNPACK's where it has them, as
LiteRT runs unless told otherwise.
"""
import glob
import json
import sys

import numpy as np

try:
    from ai_edge_litert import interpreter as litert
    micro = None
except ImportError:
    from tflite_micro.python.tflite_micro import runtime as micro


def run_litert(model, feeds, samples):
    resolver = litert.OpResolverType
    kernels = resolver.AUTO if '--default' in sys.argv else resolver.BUILTIN_WITHOUT_DEFAULT_DELEGATES if '--optimized' in sys.argv else resolver.BUILTIN_REF
    every = '--all' in sys.argv
    i = litert.Interpreter(model_path=model, num_threads=1, experimental_op_resolver_type=kernels, experimental_preserve_all_tensors=every)
    i.allocate_tensors()
    details = {d['name']: d for d in (i.get_tensor_details() if every else i.get_output_details())}
    results = {name: [] for name in details}
    for n in range(samples):
        for d in i.get_input_details():
            i.set_tensor(d['index'], feeds[d['name']][n].reshape(d['shape']))
        i.invoke()
        for name, d in list(details.items()):
            try:
                results[name].append(i.get_tensor(d['index']))
            except ValueError:  # not computed
                del details[name], results[name]
    return results


def run_micro(model, feeds, samples):
    i = micro.Interpreter.from_file(model)
    results = {}
    for n in range(samples):
        for k, x in enumerate(feeds.values()):
            i.set_input(x[n].reshape(i.get_input_details(k)['shape']), k)
        i.invoke()
        k = 0
        while True:
            try:
                results.setdefault('output_%d' % k, []).append(np.array(i.get_output(k)))
            except Exception:
                break
            k += 1
    return {name: values for name, values in results.items() if values}


for model in glob.glob(sys.argv[1] + '/*.tflite'):
    base = model[:-len('.tflite')]
    feeds = dict(np.load(base + '.in.npz'))
    try:
        results = (run_micro if micro else run_litert)(model, feeds, len(next(iter(feeds.values()))))
    except (RuntimeError, ValueError) as refused:
        open(base + '.err', 'w').write(str(refused))
        continue
    # Names of tensors have slashes and may be longer than a file's; they are told apart by their number.
    names = list(results)
    np.savez(base + '.out.npz', names=np.frombuffer(json.dumps(names).encode(), np.uint8),
             **{'a%d' % k: np.stack(results[name]) for k, name in enumerate(names)})
