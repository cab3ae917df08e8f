#!/usr/bin/env python3
"""Run an exported bundle with its target's own runtime.

  run_target.py --target ncnn --bundle DIR --inputs inputs.npz --out outputs.npz
                [--repeat N] [--limit N] [--opt key=value ...]

inputs.npz holds the source model's inputs as float32 in the SOURCE layout, the first axis
being the samples; outputs.npz gets the target's outputs as float32 in the source layout.
DIR/manifest.json is read where there is one (see README.md); else files go by extension.
The last line printed is one JSON report. Exit status: 0 ran in the target's own runtime,
1 failed, 3 checked but not run in the target's own runtime ("ran": false in the report).
Written for Python 3.7 and later (Paddle Lite's wheels end there).
"""
import argparse, importlib, json, os, sys, time, traceback
import numpy as np

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)

TARGETS = {
    'onnxruntime': 'ort', 'openvino': 'openvino_', 'tflite': 'tflite', 'tflm': 'tflm', 'ncnn': 'ncnn_', 'mnn': 'mnn',
    'rknn': 'rknn_', 'caffe': 'caffe', 'c': 'csrc', 'tvm': 'tvm_', 'weights': 'weights',
}


class Bundle(object):
    """A bundle's folder with its manifest, and a tolerant way of finding files."""

    def __init__(self, path, target, opts):
        self.dir, self.target, self.opts = os.path.abspath(path), target, opts
        self.used = []
        m = os.path.join(self.dir, 'manifest.json')
        self.manifest = json.load(open(m, encoding='utf-8')) if os.path.exists(m) else {}
        same = {'targetName': 'target_name', 'targetLayout': 'target_layout', 'targetDtype': 'target_dtype',
                'zeroPoint': 'zero_point'}
        for io in (self.manifest.get('inputs') or []) + (self.manifest.get('outputs') or []):
            for k, v in same.items():           # both spellings are read
                if k in io and io.get(v) is None:
                    io[v] = io[k]

    def file(self, role, *exts, **kw):
        """The path for a role ('model', 'weights', ...): from the manifest, else by extension."""
        files = self.manifest.get('files') or {}
        if isinstance(files, dict):
            names = [files[role]] if role in files else []
            pool = list(files.values())
        else:                                   # a list of names, or of {path, role}
            names = [f['path'] for f in files if isinstance(f, dict) and f.get('role') == role]
            pool = [f['path'] if isinstance(f, dict) else f for f in files]
        if not names:
            found = []
            for ext in exts:
                found = [f for f in pool if isinstance(f, str) and f.endswith(ext)]
                if not found:
                    for root, dirs, fs in os.walk(self.dir):
                        dirs.sort()
                        found += [os.path.relpath(os.path.join(root, f), self.dir)
                                  for f in sorted(fs + dirs) if f.endswith(ext)]
                if found:
                    break
            names = found
        if not names:
            if kw.get('optional'):
                return None
            raise SystemExit('no %s file (%s) in %s' % (role, ' '.join(exts), self.dir))
        p = os.path.join(self.dir, names[0])
        if not os.path.exists(p):
            raise SystemExit('the manifest names %s, which is not there' % names[0])
        self.used.append(p)
        return p

    def size(self):
        n = 0
        for p in set(self.used):
            if os.path.isdir(p):
                for r, _, fs in os.walk(p):
                    n += sum(os.path.getsize(os.path.join(r, f)) for f in fs)
            else:
                n += os.path.getsize(p)
        return n


def to_target(x, spec, io):
    """Source-layout float32 -> what the runtime takes. spec: the manifest's entry; io: the runtime's."""
    want = io.get('shape')
    lay = spec.get('target_layout') or io.get('layout')
    src = spec.get('layout', 'NCHW')
    if x.ndim == 4 and lay and lay != src:
        x = x.transpose(0, 2, 3, 1) if lay == 'NHWC' else x.transpose(0, 3, 1, 2)
    elif x.ndim == 4 and not lay and want and len(want) == 4:
        dims = [d if isinstance(d, int) and d > 0 else None for d in want]
        fits = lambda s: all(a is None or a == b for a, b in zip(dims[1:], s[1:]))
        if not fits(x.shape):
            for perm in ((0, 2, 3, 1), (0, 3, 1, 2)):
                if fits(tuple(x.shape[i] for i in perm)):
                    x = x.transpose(perm)
                    break
    dt = np.dtype(io.get('dtype') or spec.get('target_dtype') or 'float32')
    if dt.kind in 'iu' and x.dtype.kind == 'f':
        s = io.get('scale') or spec.get('scale')
        z = io.get('zero_point', spec.get('zero_point', 0)) or 0
        if s:
            i = np.iinfo(dt)
            # round half to even, as the runtimes' own Quantize does or nearly does
            x = np.clip(np.rint(x.astype(np.float64) / s) + z, i.min, i.max)
    return np.ascontiguousarray(x.astype(dt))


def from_target(y, spec, io):
    y = np.asarray(y)
    s = io.get('scale') or spec.get('scale')
    if y.dtype.kind in 'iu' and s:
        y = (y.astype(np.float32) - (io.get('zero_point', spec.get('zero_point', 0)) or 0)) * np.float32(s)
    if y.dtype == np.float16:
        y = y.astype(np.float32)
    lay = spec.get('target_layout') or io.get('layout')
    if y.ndim == 4 and lay == 'NHWC' and spec.get('layout', 'NCHW') == 'NCHW':
        y = y.transpose(0, 3, 1, 2)
    return y


def drive(runner, bundle, data, repeat, limit):
    """Feeds the samples one model batch at a time; returns outputs and times."""
    mi = bundle.manifest.get('inputs') or []
    mo = bundle.manifest.get('outputs') or []
    ins = runner.inputs                       # [{name, shape?, dtype?, scale?, zero_point?, layout?}]
    by = dict((s.get('target_name', s.get('name')), s) for s in mi)
    plan = []
    for k, io in enumerate(ins):
        spec = by.get(io['name']) or (mi[k] if k < len(mi) else {})
        key = next((c for c in (spec.get('name'), io['name']) if c in data), None)
        if key is None:
            if len(ins) == len(data.files):
                key = data.files[k]
            else:
                raise SystemExit('no array for input %s in the inputs (%s)' % (io['name'], data.files))
        plan.append((io, spec, data[key]))
    n = plan[0][2].shape[0]
    n = min(n, limit) if limit else n
    shp = ins[0].get('shape')
    b = shp[0] if shp and isinstance(shp[0], int) and shp[0] > 0 else 1
    b = int(bundle.manifest.get('batch', b))
    outs, times = {}, []
    for i in range(0, n, b):
        feed = {}
        for io, spec, x in plan:
            c = x[i:i + b]
            if len(c) < b:
                c = np.concatenate([c, np.repeat(c[-1:], b - len(c), 0)])
            feed[io['name']] = to_target(c, spec, io)
        for r in range(repeat if i == 0 else 1):
            t = time.perf_counter()
            got = runner.run(feed)
            times.append(time.perf_counter() - t)
        for k, (name, y) in enumerate(got.items()):
            spec = next((s for s in mo if s.get('target_name', s.get('name')) == name), mo[k] if k < len(mo) else {})
            io = (getattr(runner, 'outputs', None) or {}).get(name, {})
            y = from_target(y, spec, io)
            outs.setdefault(spec.get('name', name), []).append(y[:min(b, n - i)] if y.ndim and y.shape[0] == b else y)
    return dict((k, np.concatenate(v)) for k, v in outs.items()), times


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument('--target', choices=sorted(TARGETS), required=True)
    p.add_argument('--bundle', required=True)
    p.add_argument('--inputs', help='not needed for files of weights')
    p.add_argument('--out', required=True)
    p.add_argument('--repeat', type=int, default=5, help='times the first batch is run')
    p.add_argument('--limit', type=int, default=0, help='samples at most')
    p.add_argument('--opt', action='append', default=[], metavar='KEY=VALUE', help="a backend's own setting")
    a = p.parse_args()
    bundle = Bundle(a.bundle, a.target, dict(o.split('=', 1) for o in a.opt))
    rep = {'target': a.target, 'ran': False}
    code = 1
    try:
        be = importlib.import_module('backends.' + TARGETS[a.target])
        t = time.perf_counter()
        runner = be.load(bundle)
        rep['load_ms'] = round((time.perf_counter() - t) * 1e3, 2)
        if hasattr(runner, 'tensors'):
            out, times = runner.tensors(), []
        else:
            if not a.inputs:
                raise SystemExit('--inputs is needed')
            out, times = drive(runner, bundle, np.load(a.inputs), a.repeat, a.limit)
        np.savez(a.out, **out)
        rep.update(runtime=runner.runtime, ran=getattr(runner, 'own_runtime', True), model_bytes=bundle.size(),
                   outputs=dict((k, list(v.shape)) for k, v in list(out.items())[:20]))
        if times:
            rep['median_ms'] = round(float(np.median(times)) * 1e3, 4)
            rep['runs'] = len(times)
        rep.update(runner.info() if hasattr(runner, 'info') else {})
        code = 0 if rep['ran'] else 3
    except SystemExit as e:
        rep['error'] = str(e)
    except Exception as e:
        traceback.print_exc()
        rep['error'] = '%s: %s' % (type(e).__name__, str(e)[:2000])
    print(json.dumps(rep, ensure_ascii=False, default=str))
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)                            # some runtimes crash while they unload


if __name__ == '__main__':
    main()
