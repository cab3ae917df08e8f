"""Two int8 .tflite files in one interpreter on the same samples, one after the other on each: right answers of its own kernels (`right`) and
of the reference kernels (`exactly`), and medians of CPU seconds of the former.

    python beside-reference.py OURS.tflite THEIRS.tflite DATA      DATA: .npz of floats with labels, or the .json of raw pictures
"""

import json
import os
import sys
import time

import numpy as np
from ai_edge_litert import interpreter as litert


def samples(path):
    if path.endswith(".npz"):
        data = np.load(path)
        name = next(name for name in data.files if name != "labels")
        return data[name].astype(np.float32), data["labels"]
    about = json.load(open(path))
    folder = os.path.dirname(path)
    images = np.fromfile(os.path.join(folder, about["images"]), np.uint8).reshape(about["shape"])
    return images.astype(np.float32), np.fromfile(os.path.join(folder, about["labels"]), about["labelDtype"])


class Model:
    def __init__(self, path):
        self.bytes = os.path.getsize(path)
        self.net, self.exact = (
            litert.Interpreter(model_path=path, num_threads=1, experimental_op_resolver_type=kernels)
            for kernels in (litert.OpResolverType.AUTO, litert.OpResolverType.BUILTIN_REF)
        )
        for net in (self.net, self.exact):
            net.allocate_tensors()
        [self.input], [self.output] = self.net.get_input_details(), self.net.get_output_details()
        self.right, self.exactly, self.seconds = 0, 0, []

    def run(self, sample, label, rounds=5):
        scale, zero = self.input["quantization"]
        codes = np.clip(np.rint(sample / scale) + zero, -128, 127).astype(np.int8).reshape(self.input["shape"])
        self.net.set_tensor(self.input["index"], codes)
        start = time.process_time()
        for _ in range(rounds):
            self.net.invoke()
        self.seconds.append((time.process_time() - start) / rounds)
        self.right += self.answer(self.net) == label
        self.exact.set_tensor(self.exact.get_input_details()[0]["index"], codes)
        self.exact.invoke()
        self.exactly += self.answer(self.exact) == label

    def answer(self, net):
        return int(net.get_tensor(net.get_output_details()[0]["index"]).argmax())

    def found(self):
        counts = {"right": int(self.right), "exactly": int(self.exactly), "samples": len(self.seconds)}
        return {"bytes": self.bytes, **counts, "median": float(np.median(self.seconds))}


mine, theirs = Model(sys.argv[1]), Model(sys.argv[2])
for sample, label in zip(*samples(sys.argv[3])):
    for model in (mine, theirs):
        model.run(sample, label)
print(json.dumps({"mine": mine.found(), "theirs": theirs.found()}))
