"""How close compressed forms of all-MiniLM-L6-v2 come to the float model, and how fast they are.

    python judge-minilm.py FLOAT.onnx COMPRESSED.onnx... [--threads 1] [--rounds 5] [--every 1] [--no-speed]

Embeddings are means over the tokens of a sentence (without padding), normalised; printed are mean and least cosine with the float
model's over the sentences of test/models/minilm-sentences.npz, bytes, and the speed in units of the float model's: the models take
turns sentence by sentence, and the fastest round of each counts. One JSON document.
"""
import argparse
import json
import os
import time

import numpy as np
import onnxruntime as ort

here = os.path.dirname(os.path.abspath(__file__))
data = np.load(os.path.join(here, "../../test/models/minilm-sentences.npz"))
names = ("input_ids", "attention_mask", "token_type_ids")


def feeds(i):
    length = int(data["attention_mask"][i].sum())
    return {name: data[name][i : i + 1, :length] for name in names}


def session(path, threads):
    options = ort.SessionOptions()
    options.intra_op_num_threads = threads
    options.log_severity_level = 3
    return ort.InferenceSession(path, options, providers=["CPUExecutionProvider"])


def embed(model, rows):
    found = np.array([model.run(None, feeds(i))[0][0].mean(0) for i in rows])
    return found / np.linalg.norm(found, axis=1, keepdims=True)


def main():
    parse = argparse.ArgumentParser()
    parse.add_argument("models", nargs="+")
    parse.add_argument("--threads", type=int, default=1)
    parse.add_argument("--rounds", type=int, default=5)
    parse.add_argument("--every", type=int, default=1)
    parse.add_argument("--no-speed", action="store_true")
    options = parse.parse_args()
    models = [session(path, options.threads) for path in options.models]
    rows = range(0, len(data["input_ids"]), options.every)
    exact = embed(models[0], rows)
    results = []
    for path, model in zip(options.models, models):
        cosines = (embed(model, rows) * exact).sum(1)
        results.append({"model": path, "bytes": os.path.getsize(path), "cosine": float(cosines.mean()), "least": float(cosines.min())})
    if not options.no_speed:
        rows = list(rows)[:: max(1, 10 // options.every)]
        fastest = np.full((len(models), len(rows)), np.inf)
        for _ in range(options.rounds):
            for column, row in enumerate(rows):
                for k, model in enumerate(models):
                    start = time.perf_counter()
                    model.run(None, feeds(row))
                    fastest[k, column] = min(fastest[k, column], time.perf_counter() - start)
        for k, result in enumerate(results):
            result["msPerSentence"] = 1000 * fastest[k].sum() / len(rows)
            result["speed"] = fastest[0].sum() / fastest[k].sum()
    print(json.dumps(results, indent=1))


main()
