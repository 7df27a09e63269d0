// What the playgrounds compute, in the words of the chapters. Pure functions: tests run them beside
// the package's own.
const arithmetic = (() => {
  const total = (numbers) => numbers.reduce((sum, x) => sum + x, 0);
  const mean = (numbers) => total(numbers) / numbers.length;
  const share = (truths) => mean(truths.map(Number));

  // Half to even, as numpy rounds.
  function rounded(x) {
    const below = Math.floor(x);
    if (x - below !== 0.5) return Math.round(x);
    return below % 2 === 0 ? below : below + 1;
  }

  const classOf = (x, limit) => rounded(Math.min(limit, Math.max(-limit, x)));

  // [M] logits -> [M][M] weights that fall with an edge's gap (Chapter 6, Section 11).
  function softmin(logits, temperature) {
    const gaps = logits.map((from) => logits.map((to) => Math.abs(to - from)));
    const smallest = Math.min(...gaps.flatMap((row, i) => row.filter((_, j) => i !== j)));
    const raised = gaps.map((row, i) =>
      row.map((gap, j) => (i === j ? 0 : Math.exp((smallest - gap) / temperature))));
    const all = total(raised.flat());
    const weights = raised.map((row) => row.map((x) => x / all));
    return { weights, gaps, loss: total(weights.flatMap((row, i) => row.map((w, j) => w * gaps[i][j]))) };
  }

  // One triplet of Eq. 4 on the circle: the anchor at 0, two angles in degrees.
  function hinge(positive, negative, margin) {
    const cosine = (degrees) => Math.cos((degrees * Math.PI) / 180);
    const [p, n] = [cosine(positive), cosine(negative)];
    return { positive: p, negative: n, loss: Math.max(0, margin - p + n) };
  }

  // F1 of both sides, weighted by how many there truly are; NaN where there is nobody.
  function weightedF1(said, truth) {
    const side = (value) => {
      const both = truth.filter((t, i) => t === value && said[i] === value).length;
      const either = truth.filter((t) => t === value).length + said.filter((s) => s === value).length;
      const support = truth.filter((t) => t === value).length;
      return support ? (support * 2 * both) / either : 0;
    };
    return truth.length ? (side(true) + side(false)) / truth.length : NaN;
  }

  function correlation(p, y) {
    const spread = (a) => Math.max(...a) - Math.min(...a);
    if (spread(p) < 1e-12 || spread(y) < 1e-12) return 0;
    const [dp, dy] = [p, y].map((a) => a.map((x) => x - mean(a)));
    const dot = (a, b) => total(a.map((x, i) => x * b[i]));
    return dot(dp, dy) / Math.sqrt(dot(dp, dp) * dot(dy, dy));
  }

  // Every score of Chapter 2, by the names of sentiment_metrics.
  function scores(p, y) {
    const agree = (limit) => share(p.map((x, i) => classOf(x, limit) === classOf(y[i], limit)));
    const felt = y.map((_, i) => i).filter((i) => y[i] !== 0);
    const [pNonzero, yNonzero] = [p, y].map((a) => felt.map((i) => a[i] > 0));
    const [pAll, yAll] = [p, y].map((a) => a.map((x) => x >= 0));
    return {
      acc7: agree(3),
      acc5: agree(2),
      acc2: felt.length ? share(pNonzero.map((x, i) => x === yNonzero[i])) : NaN,
      f1: weightedF1(pNonzero, yNonzero),
      acc2_has_zero: share(pAll.map((x, i) => x === yAll[i])),
      f1_has_zero: weightedF1(pAll, yAll),
      mae: mean(p.map((x, i) => Math.abs(x - y[i]))),
      corr: correlation(p, y),
    };
  }

  // A kernel of odd length laid over a signal, zeros beyond its ends (Chapter 3).
  function convolve(signal, kernel) {
    const half = (kernel.length - 1) / 2;
    return signal.map((_, t) => total(kernel.map((w, j) => w * (signal[t + j - half] ?? 0))));
  }

  // The gate of Chapter 8: what it is, and what it lets through.
  function gated(h, score) {
    const gate = 1 / (1 + Math.exp(-score));
    return { gate, passed: gate * h };
  }

  return { rounded, softmin, hinge, scores, convolve, gated };
})();
