// MapLibre, told where its worker is: it would look beside itself, by a name that does not tell the content.
import { setWorkerUrl } from "../vendor/maplibre-gl-6.17.0/maplibre-gl.mjs";

export * from "../vendor/maplibre-gl-6.17.0/maplibre-gl.mjs";

setWorkerUrl(new URL("../vendor/maplibre-gl-6.17.0/maplibre-gl-worker.mjs", import.meta.url).href);
