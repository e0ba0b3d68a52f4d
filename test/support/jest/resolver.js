/** In TypeScript, `import('./name.js')` names the compiled file; tests load its source. Packages are resolved as usual. */
module.exports = (request, options) => {
  const isOwn = request.startsWith('.') && request.endsWith('.js') && !options.basedir.includes('/node_modules/');
  return options.defaultResolver(isOwn ? request.slice(0, -'.js'.length) : request, options);
};
