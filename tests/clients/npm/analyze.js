// What a client reads, as one line of JSON: `node analyze.js CLIENT ROOT KEY TEXT`.
// Each client is used as published. A root takes the place of Google's host, and of nothing else.
"use strict";

const GOOGLE = "https://commentanalyzer.googleapis.com/";
const [client, root, key, text] = process.argv.slice(2);

/** Sends the requests of a package that has Google's host in a constant to `root`. */
function redirect(name) {
  const axios = require(require.resolve("axios", { paths: [require.resolve(name)] }));
  axios.interceptors.request.use((request) => {
    if (!request.url.startsWith(GOOGLE)) throw new Error(`${name} asks for another host`);
    return { ...request, url: request.url.replace(GOOGLE, root) };
  });
}

const CLIENTS = {
  /** What `google.discoverAPI` of the package `googleapis` does. */
  async googleapis() {
    const { Discovery } = require("googleapis-common/build/src/discovery.js");
    const discovery = new Discovery({ debug: false, includePrivate: false });
    const api = (await discovery.discoverAPI(`${root}$discovery/rest?version=v1alpha1`))({});
    const comment = { text };
    const analyzed = await api.comments.analyze({
      key,
      resource: { comment, requestedAttributes: { TOXICITY: {} }, languages: ["en"] },
    });
    const suggested = await api.comments.suggestscore({
      key,
      requestBody: {
        comment,
        attributeScores: { TOXICITY: { summaryScore: { value: 1 } } },
        clientToken: "comment:1",
        communityId: "googleapis",
      },
    });
    const refused = await api.comments
      .analyze({ key: "wrong", resource: { comment, requestedAttributes: { TOXICITY: {} } } })
      .catch((error) => ({ status: error.status, message: error.message }));
    return {
      score: analyzed.data.attributeScores.TOXICITY.summaryScore.value,
      token: suggested.data.clientToken,
      refused: { status: refused.status, message: refused.message },
    };
  },

  async "perspective-api-client"() {
    redirect("perspective-api-client");
    const Perspective = require("perspective-api-client");
    const perspective = new Perspective({ apiKey: key });
    const analyzed = await perspective.analyze(text, { attributes: ["toxicity", "insult"] });
    const refused = await perspective
      .analyze(text, { attributes: ["flirtation"] })
      .catch((error) => ({ name: error.name, message: error.message }));
    return { score: analyzed.attributeScores.TOXICITY.summaryScore.value, refused };
  },

  async "perspectiveapi-js-client"() {
    redirect("@conversationai/perspectiveapi-js-client");
    const { Client } = require("@conversationai/perspectiveapi-js-client");
    const scores = await new Client(key).getScores(text, { attributes: ["TOXICITY"] });
    return { score: scores.TOXICITY };
  },
};

CLIENTS[client]().then(
  (value) => console.log(JSON.stringify(value)),
  (error) => {
    console.error(error);
    process.exitCode = 1;
  },
);
