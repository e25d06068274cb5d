/** Loads Python with Pyruns; used by the worker of the demo (`worker.mjs`) and by tests under Node.js. */

/**
 * Load Pyodide and the packages.
 *
 * @param loadPyodide - the function of Pyodide
 * @param options - its options
 * @param site - a ZIP file with the content of `site-packages`
 */
export async function boot(loadPyodide, options, site) {
  const python = await loadPyodide({
    ...options,
    env: { HOME: '/home/demo', PYTHONDONTWRITEBYTECODE: '1' }
  });
  python.unpackArchive(site, 'zip', {
    extractDir: python.runPython(
      'import sysconfig; sysconfig.get_path("purelib")'
    )
  });
  return python;
}
