// The main job, by the types that openapi-typescript made: compiled with `tsc --strict`, and run in Node.
import type { components, operations } from "./api";

type Name = keyof operations;
type Body<N extends Name> = operations[N] extends { requestBody: { content: { "application/json": infer B } } } ? B : never;
type Answers<N extends Name> = operations[N]["responses"];
type Json<R> = R extends { content: { "application/json": infer J } } ? J : never;
type Told<N extends Name> = Json<Answers<N>[keyof Answers<N> & (200 | 201)]>;
type Case = components["schemas"]["CaseOut"];

declare const process: { argv: string[]; stdout: { write(text: string): void } };
const [address = "", lon = "", lat = "", password = ""] = process.argv.slice(2);

class Phone {
  constructor(private readonly token: string) {}

  static async login(username: string): Promise<Phone> {
    const answer = await fetch(`${address}/api/auth/app/v1/auth/login`, {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify({ username, password }),
    });
    return new Phone(((await answer.json()) as { meta: { session_token: string } }).meta.session_token);
  }

  async ask<N extends Name>(_name: N, path: string): Promise<Told<N>> {
    return this.read(await fetch(`${address}/api/mobile/v1/${path}`, { headers: { "X-Session-Token": this.token } }));
  }

  async say<N extends Name>(_name: N, path: string, body: Body<N>): Promise<Told<N>> {
    const headers = { "X-Session-Token": this.token, "Content-Type": "application/json" };
    return this.read(await fetch(`${address}/api/mobile/v1/${path}`, { method: "POST", headers, body: JSON.stringify(body) }));
  }

  private async read<T>(answer: Response): Promise<T> {
    if (answer.ok) return (await answer.json()) as T;
    const problem = (await answer.json()) as components["schemas"]["Problem"];
    throw new Error(`${problem.code}: ${problem.detail}`);
  }
}

const inspector = await Phone.login("ann");
const me = await inspector.ask("get_me", "me");
const city = await inspector.ask("get_city", "city");
const category = city.categories.find((each) => each.name === "上水井盖");
if (!category) throw new Error(`${me.name} knows no such class`);
const report: Body<"report_case"> = {
  id: crypto.randomUUID(),
  category: category.id,
  condition: category.conditions.at(-1)?.id ?? null,
  component: "",
  point: { lon: Number(lon), lat: Number(lat), crs: "wgs84", accuracy_m: 8, provider: "gps", mock: false },
  text: "井盖响动",
  place: "",
  photos: [],
  handled: false,
  source: "inspector",
};
const opened: Case = await inspector.say("report_case", "cases", report);
const seen: Case = await inspector.ask("get_case", `cases/${opened.id}`);
const page = await (await Phone.login("hugo")).ask("list_cases", "cases?view=todo");
if (seen.number !== opened.number || page.items[0]?.id !== opened.id) throw new Error("another case");
process.stdout.write(seen.stage.code);
