import(props.module_url)
  .then((page) => page.mount({ element, props, trigger, server }))
  .catch((error) => console.error("thud: the page's module did not load", error));
