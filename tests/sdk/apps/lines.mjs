// How the tests and an application talk: one JSON object a line, on standard input and output.
import { createInterface } from "node:readline";

const lines = createInterface({ input: process.stdin })[Symbol.asyncIterator]();

export function tell(message) {
    process.stdout.write(`${JSON.stringify(message)}\n`);
}

export async function hear() {
    const { value, done } = await lines.next();
    if (done) process.exit();
    return JSON.parse(value);
}

/** Sends the person to this address; answers where the browser was sent back to. */
export async function browse(address) {
    tell({ open: String(address) });
    return new URL((await hear()).landed);
}

/** `start` makes an application that remembers nothing; the other orders are its methods. */
export async function obey(make) {
    let app;
    for (;;) {
        const order = await hear();
        try {
            if (order.do === "start") {
                app = make(order.with);
                tell({ done: null });
            } else {
                tell({ done: (await app[order.do](order.with)) ?? null });
            }
        } catch (error) {
            tell({ failed: `${error.name}: ${error.message}` });
        }
    }
}
