export const dump = {
  title: 'Check a board',
  about:
    'Run golden/inputs.npz on the board and let it write what its layers give: an .npz by value name, or lines "name index value". Here it is laid beside golden/layers.npz.',
  choose: 'Choose dump…',
  orDrop: 'or drop it anywhere on the page',
  value: 'Value',
  place: 'Place',
  most: 'Largest error',
  equal: 'equal',
  otherSize: 'other size',
  agrees: (n: string) => `The board agrees in all ${n} values.`,
  differs: 'First differs at',
  nothingKnown: 'No name in the dump is one of the golden layers.',
  unknown: 'Not among the golden layers:',
  here: 'The board’s dump first differs here.',
}
