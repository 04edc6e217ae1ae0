import(new URL(`page/${props.module}`, document.baseURI)).then((own) =>
  own.start({ element, trigger, props, server, upload, watch }),
);
