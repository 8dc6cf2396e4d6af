// The straight line through some points: what each unit of x adds, and what there is without any. Owns the arithmetic.

export interface Fit {
  readonly slope: number;
  readonly intercept: number;
}

/** Least squares of the relative errors: with peers from 1 to 200, the largest would else be all that counts. All y > 0. */
export function fit(points: readonly (readonly [x: number, y: number])[]): Fit {
  let [w, wx, wy, wxx, wxy] = [0, 0, 0, 0, 0];
  for (const [x, y] of points) {
    const weight = 1 / y ** 2;
    w += weight;
    wx += weight * x;
    wy += weight * y;
    wxx += weight * x * x;
    wxy += weight * x * y;
  }
  const slope = (w * wxy - wx * wy) / (w * wxx - wx * wx);
  return { slope, intercept: (wy - slope * wx) / w };
}
