"""Writes the ONNX backend's own node test suite to a folder, for test/importers/onnx-node-suite.test.ts.

    pip install onnx==1.23.2
    python scripts/onnx-node-suite.py .cache/onnx-node-suite

Per case: NAME.onnx, and NAME.I.pb (a TensorProto) for the I-th input of its first data set. index.json lists the cases; an
input that is no tensor (sequence, optional, map) has no file.
"""

import json
import pathlib
import sys

import numpy as np
import onnx
from onnx import numpy_helper
from onnx.backend.test.loader import load_model_tests


def main(folder: pathlib.Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    cases = []
    for case in load_model_tests(kind="node"):
        (folder / f"{case.name}.onnx").write_bytes(case.model.SerializeToString())
        try:
            onnx.checker.check_model(case.model)
            accepted = True
        except onnx.checker.ValidationError:
            accepted = False
        feeds = []
        arrays = case.data_sets[0][0] if case.data_sets else []
        for i, (info, array) in enumerate(zip(case.model.graph.input, arrays)):
            name = info.name
            if isinstance(array, onnx.TensorProto):
                proto = array
            elif isinstance(array, (np.ndarray, np.generic)):
                proto = numpy_helper.from_array(np.asarray(array), name)
            else:
                feeds.append({"name": name, "file": None})
                continue
            file = f"{case.name}.{i}.pb"
            (folder / file).write_bytes(proto.SerializeToString())
            feeds.append({"name": name, "file": file})
        cases.append({"name": case.name, "accepted": accepted, "feeds": feeds})
    cases.sort(key=lambda c: c["name"])
    (folder / "index.json").write_text(json.dumps(cases, indent=1))
    print(f"{len(cases)} cases of onnx {onnx.__version__} in {folder}")


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    main(pathlib.Path(sys.argv[1]))
