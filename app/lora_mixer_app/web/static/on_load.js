import(new URL("page/start.js", document.baseURI)).then((page) =>
  page.start({ element, trigger, props, server, upload, watch }),
);
