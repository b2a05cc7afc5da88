//! The documentation and the deployment files match the program.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use clap::CommandFactory as _;
use scanlogin_server::cli::args::Flags;
use scanlogin_server::config::app::App;
use scanlogin_server::config::limits::Limits;
use scanlogin_server::config::settings::Settings;
use scanlogin_server::secrets::Hash;

fn read(path: &str) -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(path)).unwrap()
}

/// Every flag of the program and of its commands, and every environment variable.
fn flags_and_variables(command: &clap::Command) -> BTreeSet<String> {
    let own = command.get_arguments().flat_map(|argument| {
        let flag = argument.get_long().map(|name| format!("--{name}"));
        flag.into_iter().chain(argument.get_env().map(|name| name.to_string_lossy().into_owned()))
    });
    own.chain(command.get_subcommands().flat_map(flags_and_variables))
        .chain(["--help".to_owned(), "--version".to_owned()])
        .collect()
}

#[test]
fn documented_flags_and_variables_exist() {
    let known = flags_and_variables(&Flags::command());
    let readme = read("../README.md");
    let run_section = readme.split("\n## Run the server\n").nth(1).unwrap().split("\n## ").next().unwrap();
    let documents = ["README.md", "deploy/scanlogin.service", "deploy/Caddyfile"].map(read);
    let text = documents.concat() + run_section;
    let documented: BTreeSet<&str> = text
        .split(|c: char| !c.is_ascii_alphanumeric() && !"-_".contains(c))
        .filter(|word| {
            word.strip_prefix("--").is_some_and(|rest| rest.starts_with(char::is_alphabetic))
                || word.starts_with("SCANLOGIN_")
        })
        // A flag of systemctl.
        .filter(|word| *word != "--now")
        .collect();
    assert!(documented.len() > 10, "{documented:?}");
    let unknown: Vec<_> = documented.iter().filter(|word| !known.contains(**word)).collect();
    assert!(unknown.is_empty(), "{unknown:?} of {known:?}");
}

#[test]
fn documented_settings_parse_and_show_the_default_limits() {
    let readme = read("README.md");
    let blocks: Vec<&str> = readme.split("```toml\n").skip(1).map(|block| block.split("```").next().unwrap()).collect();
    let text = blocks.concat();
    let settings = Settings::parse(&text).unwrap();
    let expected = App {
        allowed_origins: vec!["https://www.example.com".parse().unwrap()],
        logo: Some("https://www.example.com/logo.svg".to_owned()),
        code_url: Some("https://pass.example.com/s".parse().unwrap()),
        shown_custom_data: vec!["order".to_owned()],
        ..App::new("shop", "The Shop", "customers", Hash::of("a"))
    };
    assert_eq!(settings.apps, [expected]);
    assert_eq!(settings.limits, Limits::default());
    assert!(!settings.issuers.is_empty() && settings.native_apps.is_some_and(|apps| !apps.is_empty()));
}

#[test]
fn documented_issuer_of_each_provider_parses() {
    let guide = read("../docs/issuers.md");
    let section = guide.split("\n## Providers\n").nth(1).unwrap().split("\n## ").next().unwrap();
    let secret = tempfile::NamedTempFile::new().unwrap();
    fs::write(secret.path(), "x".repeat(32)).unwrap();
    let rows: Vec<&str> = section.lines().filter(|line| line.contains("| `issuer = ")).collect();
    assert!(rows.len() >= 10, "{rows:?}");
    for row in rows {
        let settings = row.split('`').filter(|text| text.contains(" = "));
        let entry: String = settings.map(|setting| format!("{setting}\n")).collect();
        let entry = entry.replace("/etc/scanlogin/supabase.secret", secret.path().to_str().unwrap());
        let app = format!(
            "[[app]]\nid = \"a\"\nname = \"A\"\nuser_pool_id = \"a\"\nsecret_hashes = [\"{}\"]\n",
            Hash::of("a")
        );
        let settings = Settings::parse(&format!("{app}[[issuer]]\n{entry}user_pool_id = \"a\"\n"));
        assert!(settings.is_ok(), "{row}: {settings:?}");
    }
}
