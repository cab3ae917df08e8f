"""Two int8 .tflite files in one interpreter on the same samples, one after the other on each: right answers, and medians of CPU seconds.

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
        self.net = litert.Interpreter(model_path=path, num_threads=1)
        self.net.allocate_tensors()
        [self.input], [self.output] = self.net.get_input_details(), self.net.get_output_details()
        self.right, self.seconds = 0, []

    def run(self, sample, label, rounds=5):
        scale, zero = self.input["quantization"]
        codes = np.clip(np.rint(sample / scale) + zero, -128, 127).astype(np.int8)
        self.net.set_tensor(self.input["index"], codes.reshape(self.input["shape"]))
        start = time.process_time()
        for _ in range(rounds):
            self.net.invoke()
        self.seconds.append((time.process_time() - start) / rounds)
        self.right += int(self.net.get_tensor(self.output["index"]).argmax() == label)

    def found(self):
        return {"bytes": self.bytes, "right": self.right, "samples": len(self.seconds), "median": float(np.median(self.seconds))}


mine, theirs = Model(sys.argv[1]), Model(sys.argv[2])
for sample, label in zip(*samples(sys.argv[3])):
    for model in (mine, theirs):
        model.run(sample, label)
print(json.dumps({"mine": mine.found(), "theirs": theirs.found()}))
