// Small models of one operator or a few each, by what they are about.
export const texts: Readonly<Record<string, string>> = {
  'a convolution with pads of its own on each side':
    'graph (x: f32[1,3,9,8]) -> (y) { y = Conv(x, w: f32[4,3,3,2], b: f32[4]) {pads=[1,0,2,1], strides=[2,1], dilations=[1,2]} }',
  'a grouped convolution': 'graph (x: f32[1,8,6,6]) -> (y) { y = Conv(x, w: f32[8,4,3,3]) {group=2, pads=[1,1,1,1]} }',
  'a depthwise convolution and Clip':
    'graph (x: f32[1,4,6,6]) -> (y) { c = Conv(x, w: f32[4,1,3,3], b: f32[4]) {group=4, pads=[1,1,1,1]} y = Clip(c, l: f32[]{0}, h: f32[]{6}) }',
  'a transposed convolution':
    'graph (x: f32[1,3,5,5]) -> (y) { y = ConvTranspose(x, w: f32[3,4,3,3], b: f32[4]) {strides=[2,2], pads=[1,1,1,1], output_padding=[1,1]} }',
  'a depthwise transposed convolution':
    'graph (x: f32[1,4,5,5]) -> (y) { y = ConvTranspose(x, w: f32[4,1,2,2]) {strides=[2,2], group=4} }',
  'average pooling that does not count its pads':
    'graph (x: f32[1,3,7,7]) -> (y) { y = AveragePool(x) {kernel_shape=[3,3], strides=[2,2], pads=[1,1,1,1]} }',
  'average pooling that counts its pads':
    'graph (x: f32[1,3,7,7]) -> (y) { y = AveragePool(x) {kernel_shape=[3,3], strides=[2,2], pads=[1,1,1,1], count_include_pad=1} }',
  'maximum pooling that rounds up':
    'graph (x: f32[1,3,8,8]) -> (y) { y = MaxPool(x) {kernel_shape=[3,3], strides=[2,2], ceil_mode=1} }',
  'global pooling': 'graph (x: f32[1,3,8,8]) -> (y) { a = GlobalAveragePool(x) m = GlobalMaxPool(x) y = Add(a, m) }',
  'functions of one operand':
    'graph (x: f32[1,4,5]) -> (y) { a = Sigmoid(x) b = Tanh(a) c = Exp(b) d = Sqrt(c) e = Abs(d) f = Neg(e) g = Erf(f) h = Sin(g) i = Softplus(h) y = Reciprocal(i) }',
  activations:
    'graph (x: f32[1,4,6,6]) -> (y) { a = LeakyRelu(x) {alpha=0.1} b = PRelu(a, s: f32[4,1,1]) c = Elu(b) {alpha=0.7} d = HardSwish(c) e = HardSigmoid(d) y = Mul(e, d) }',
  'functions of two operands':
    'graph (x: f32[1,4,5], z: f32[1,1,5]) -> (y) { a = Add(x, z) b = Sub(a, z) c = Mul(b, a) d = Div(c, k: f32[]{3}) e = Max(d, z) f = Min(e, x) g = Pow(f, t: f32[]{2}) y = Add(g, z) }',
  'a choice by comparison': 'graph (x: f32[1,4,5], z: f32[1,4,5]) -> (y) { c = Greater(x, z) y = Where(c, x, z) }',
  reductions:
    'graph (x: f32[2,4,5]) -> (y) { a = ReduceMean(x) {axes=[2], keepdims=1} b = ReduceMax(x) {axes=[1], keepdims=1} c = ReduceSum(x, i: i64[1]{1}) {keepdims=1} d = Add(a, b) y = Add(d, c) }',
  'a matrix product of three axes': 'graph (x: f32[2,4,5], z: f32[2,5,3]) -> (y) { y = MatMul(x, z) }',
  'a matrix product with weights': 'graph (x: f32[3,16]) -> (y) { y = Gemm(x, w: f32[8,16], b: f32[8]) {transB=1} }',
  'a matrix product with a transposed operand':
    'graph (x: f32[2,4,5], z: f32[2,3,5]) -> (y) { t = Transpose(z) {perm=[0,2,1]} y = MatMul(x, t) }',
  'layer normalisation':
    'graph (x: f32[1,6,8]) -> (y) { y = LayerNormalization(x, s: f32[8], b: f32[8]) {axis=-1, epsilon=0.001} }',
  'batch normalisation by itself':
    'graph (x: f32[1,4,5,5]) -> (y) { r = Relu(x) y = BatchNormalization(r, s: f32[4], b: f32[4], m: f32[4], v: f32[4]{1,2,3,4}) }',
  'softmax over channels': 'graph (x: f32[1,6,4,4]) -> (y) { y = Softmax(x) {axis=1} }',
  shapes:
    'graph (x: f32[1,4,6]) -> (y) { a = Reshape(x, s: i64[2]{4, -1}) b = Unsqueeze(a, i: i64[1]{0}) c = Transpose(b) {perm=[2,0,1]} y = Squeeze(c, j: i64[1]{1}) }',
  'slices with steps':
    'graph (x: f32[1,6,8]) -> (y) { y = Slice(x, b: i64[2]{1, 0}, e: i64[2]{6, 7}, a: i64[2]{1, 2}, s: i64[2]{2, 3}) }',
  'parts joined again':
    'graph (x: f32[1,6,4]) -> (y) { a, b = Split(x, s: i64[2]{2, 4}) {axis=1} y = Concat(b, a) {axis=1} }',
  gathering: 'graph (x: f32[5,4]) -> (y) { y = Gather(x, i: i64[3]{4, 0, 2}) {axis=0} }',
  padding: 'graph (x: f32[1,2,4,4]) -> (y) { y = Pad(x, p: i64[8]{0,0,1,2,0,0,3,0}, v: f32[]{1.5}) }',
  'reflected padding': 'graph (x: f32[1,2,4,4]) -> (y) { y = Pad(x, p: i64[8]{0,0,1,1,0,0,1,1}) {mode="reflect"} }',
  'enlarging by nearest neighbours':
    'graph (x: f32[1,2,4,4]) -> (y) { y = Resize(x, _, s: f32[4]{1,1,2,2}) {mode="nearest", coordinate_transformation_mode="asymmetric", nearest_mode="floor"} }',
  'enlarging by two lines':
    'graph (x: f32[1,2,4,4]) -> (y) { y = Resize(x, _, _, s: i64[4]{1,2,7,9}) {mode="linear", coordinate_transformation_mode="half_pixel"} }',
  'enlarging to aligned corners':
    'graph (x: f32[1,2,4,4]) -> (y) { y = Resize(x, _, _, s: i64[4]{1,2,7,9}) {mode="linear", coordinate_transformation_mode="align_corners"} }',
  'channels to space':
    'graph (x: f32[1,8,3,3]) -> (y) { a = DepthToSpace(x) {blocksize=2, mode="CRD"} y = SpaceToDepth(a) {blocksize=2} }',
  'tiles and broadcasts':
    'graph (x: f32[1,2,3]) -> (y) { a = Tile(x, r: i64[3]{1,2,2}) y = Expand(a, s: i64[3]{4,4,6}) }',
  'the place of the largest': 'graph (x: f32[2,7]) -> (y) { a = ArgMax(x) {axis=1, keepdims=0} y = Cast(a) {to=1} }',
}
