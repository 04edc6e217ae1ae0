import(new URL("page/modules.js", document.baseURI)).then(({ use }) =>
  use("start.js").start({ element, trigger, props, server, upload, watch }),
);
