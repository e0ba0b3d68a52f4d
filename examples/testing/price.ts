interface Order {
  readonly id: number;
  readonly customer: string;
  readonly article: string;
  readonly count: number;
}

interface Context {
  toSideStream(id: string, record: object): void;
}

const cents: { readonly [article: string]: number } = { pen: 120, book: 1_500, lamp: 4_900 };

/** Prices an order; orders of many articles go to the side output `large`, too. */
export function price(ctx: Context, order: Order) {
  const each = cents[order.article];
  if (each === undefined) throw new RangeError(`no price of "${order.article}"`);
  if (order.count > 3) ctx.toSideStream('large', order);
  return { id: order.id, customer: order.customer, cents: each * order.count };
}
