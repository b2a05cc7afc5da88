//! `bindgen IN.wasm OUT_DIR NAME`: turns the compiled widget into a JavaScript module, as `wasm-bindgen --target web` does.
//!
//! It is not that command because its crate brings a web server and a WebDriver client with it, for the tests, and
//! because every page downloads what it writes. There, each import has a hash in its name, which no compression makes
//! smaller. Here the imports are a list and have numbers, and one hash of all of them keeps a glue from running the wasm
//! of another version. What serves speed, other browsers and other ways of loading is written shorter.

use std::cmp::Reverse;
use std::collections::HashMap;
use std::fs;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::path::Path;
use std::process::ExitCode;

use anyhow::Context as _;
use wasm_bindgen_cli_support::{Bindgen, EncodeInto, Output};

fn main() -> ExitCode {
    tools::end(bind())
}

fn bind() -> anyhow::Result<()> {
    let mut arguments = std::env::args().skip(1);
    let (Some(input), Some(out_dir), Some(name)) = (arguments.next(), arguments.next(), arguments.next()) else {
        anyhow::bail!("usage: bindgen IN.wasm OUT_DIR NAME");
    };
    let mut output = Bindgen::new()
        .input_path(input)
        .web(true)?
        .out_name(&name)
        // The types are written by hand.
        .typescript(false)
        // Whatever runs our wasm has it.
        .encode_into(EncodeInto::Always)
        .remove_producers_section(true)
        .generate_output()?;
    let glue = shorten(&mut output)?;
    output.emit(&out_dir)?;
    fs::write(Path::new(&out_dir).join(name).with_extension("js"), glue).context("the glue could not be written")
}

/// What is longer in the glue than the widget needs: how it begins, how it ends, and what stands in its place. What is no
/// longer there is an error, so that none is left here that does nothing.
const LONG: [(&str, &str, &str); 10] = [
    // The doors begin with a compiled module.
    (
        "let wasmModule",
        "as default };",
        "let wasm;
         export function start(module) {
           wasm = new WebAssembly.Instance(module, __wbg_get_imports()).exports;
           wasm.__wbindgen_start();
         }",
    ),
    // A handle is freed when nobody has it any more.
    ("__destroy_into_raw() {", "_free(ptr, 0);\n            }", ""),
    ("if (Symbol.dispose)", ".free;", ""),
    // Views of the memory and coders of text are made when they are needed: the widget needs them seldom.
    (
        "let cachedDataViewMemory0",
        "return cachedDataViewMemory0;\n                }",
        "const getDataViewMemory0 = () => new DataView(wasm.memory.buffer);",
    ),
    (
        "let cachedUint8ArrayMemory0",
        "return cachedUint8ArrayMemory0;\n                }",
        "const getUint8ArrayMemory0 = () => new Uint8Array(wasm.memory.buffer);",
    ),
    (
        "let cachedTextDecoder",
        "return cachedTextDecoder.decode(bytes);\n                        }",
        "const decodeText = (bytes) => new TextDecoder('utf-8', { ignoreBOM: true }).decode(bytes);",
    ),
    (
        "function passStringToWasm0",
        "WASM_VECTOR_LEN = offset;\n                    return ptr;\n                }",
        "function passStringToWasm0(text) {
           const bytes = cachedTextEncoder.encode(text);
           WASM_VECTOR_LEN = bytes.length;
           const ptr = wasm.__wbindgen_malloc(WASM_VECTOR_LEN, 1) >>> 0;
           getUint8ArrayMemory0().set(bytes, ptr);
           return ptr;
         }",
    ),
    // The doors hand over nothing but strings for strings, so that none fails after another was copied.
    ("try {\nptr0 =", " ", "ptr0 = "),
    ("} catch (e) {\nif (ptr", "throw e;\n}", ""),
    // Here it makes a function that may fail, instead of calling one.
    (
        "function handleError",
        "(idx);\n                            }\n                        }",
        "function fallible(call) {
           return (...values) => {
             try {
               return call(...values);
             } catch (error) {
               wasm.__wbindgen_exn_store(addToExternrefTable0(error));
             }
           };
         }",
    ),
];

/// What is written in many places, and what stands there instead.
const FREQUENT: [(&str, &str); 4] = [
    ("}, arguments); },", "}),"),
    (", wasm.__wbindgen_malloc, wasm.__wbindgen_realloc)", ")"),
    // All browsers that run the wasm have the classes that it asks for.
    ("let result;\ntry {\nresult = ", "return "),
    (";\n} catch (_) {\nresult = false;\n}\nconst ret = result;\nreturn ret;", ";"),
];

/// Writes the glue shorter, together with the names by which the wasm knows it, and answers with it.
fn shorten(output: &mut Output) -> anyhow::Result<String> {
    let mut glue = output.js().to_owned();
    let mut hasher = DefaultHasher::new();
    glue.hash(&mut hasher);
    let version = format!("{:x}", hasher.finish());
    for (begin, end, short) in LONG {
        let start = glue.find(begin).with_context(|| missing(begin))?;
        let length = glue[start + begin.len()..].find(end).with_context(|| missing(end))?;
        glue.replace_range(start..start + begin.len() + length + end.len(), short);
    }
    for (long, short) in FREQUENT {
        replace(&mut glue, long, short)?;
    }

    glue = list_imports(&glue, output, &version)?;

    let exports = &mut output.wasm_mut().exports;
    let unknown: Vec<_> =
        exports.iter().filter(|export| !glue.contains(&export.name)).map(|export| export.id()).collect();
    for export in unknown {
        exports.delete(export);
    }
    let mut exports: Vec<_> = exports.iter_mut().collect();
    // Some names begin with others.
    exports.sort_by_key(|export| Reverse(export.name.len()));
    for (number, export) in exports.into_iter().enumerate() {
        let short = format!("e{number}");
        replace(&mut glue, &format!("wasm.{}", export.name), &format!("wasm.{short}"))?;
        export.name = short;
    }
    Ok(glue)
}

/// Makes the imports a list, in the order of the wasm, which knows each by its place.
fn list_imports(glue: &str, output: &mut Output, version: &str) -> anyhow::Result<String> {
    let (begin, end) = ("import0 = {\n            __proto__: null,\n", "};\n        return {");
    let (before, rest) = glue.split_once(begin).with_context(|| missing(begin))?;
    let (imports, after) = rest.split_once(end).with_context(|| missing(end))?;
    let functions = arrow_functions(imports);
    let mut after = after.to_owned();
    let mut list = String::new();
    let mut places = HashMap::new();
    for import in output.wasm_mut().imports.iter_mut() {
        // The same function may be imported as several types.
        let next = places.len();
        let place = *places.entry(import.name.clone()).or_insert(next);
        if place == next {
            list += functions.get(import.name.as_str()).with_context(|| missing(&import.name))?;
        }
        import.name = place.to_string();
        let module = std::mem::replace(&mut import.module, version.to_owned());
        if next == 0 {
            replace(&mut after, &module, version)?;
        }
    }
    Ok([before, "import0 = [\n", &list, "];\n        return {", &after].concat())
}

/// The imports by their names, each with the comma after it.
fn arrow_functions(imports: &str) -> HashMap<&str, String> {
    let mut functions = HashMap::<_, String>::new();
    let mut name = "";
    for line in imports.lines() {
        let line = match line.split_once(": function(") {
            Some((start, head)) => {
                name = start.trim();
                let fallible = head.strip_prefix(") { return handleError(function (");
                let head = fallible.map_or_else(|| format!("({head}"), |head| format!("fallible(({head}"));
                head.replace(") {", ") => {")
            }
            None => line.to_owned(),
        };
        *functions.entry(name).or_default() += &(line + "\n");
    }
    functions
}

/// A name that stayed long on one side only would be found out by the person in front of the page.
fn replace(glue: &mut String, name: &str, short: &str) -> anyhow::Result<()> {
    anyhow::ensure!(glue.contains(name), missing(name));
    *glue = glue.replace(name, short);
    Ok(())
}

fn missing(part: &str) -> String {
    format!("the glue has no `{part}`: wasm-bindgen writes it otherwise, or the widget needs it no longer")
}
