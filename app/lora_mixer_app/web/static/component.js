import(new URL("page/modules.js", document.baseURI)).then(({ use }) =>
  use(props.module).start({ element, trigger, props, server, upload, watch }),
);
