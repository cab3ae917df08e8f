// Which of what was tried nothing else beats: neither as small and better, nor as good and smaller.

export interface Measured {
  x: number // to be small
  y: number // to be large
}

/** From the smallest to the best; of equal points the first. */
export function paretoFront<P extends Measured>(points: readonly P[]): P[] {
  const front: P[] = []
  for (const point of [...points].sort((a, b) => a.x - b.x || b.y - a.y))
    if (front.length === 0 || point.y > front[front.length - 1].y) front.push(point)
  return front
}
