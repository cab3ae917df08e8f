export const compare = {
  title: 'Compare',
  two: 'Side by side',
  left: 'Left',
  right: 'Right',
  swap: 'Swap',
  figure: 'Figure',
  sqnrToOriginal: 'SQNR against the original',
  notPaired: 'The two accuracies were measured on different numbers of samples.',
}
