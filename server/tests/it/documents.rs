//! What the documents and the files for deployment say of the server is true.

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

/// Every flag of the program and of its commands, and every variable of the environment.
fn known(command: &clap::Command) -> BTreeSet<String> {
    let own = command.get_arguments().flat_map(|argument| {
        let flag = argument.get_long().map(|name| format!("--{name}"));
        flag.into_iter().chain(argument.get_env().map(|name| name.to_string_lossy().into_owned()))
    });
    own.chain(command.get_subcommands().flat_map(known)).chain(["--help".to_owned(), "--version".to_owned()]).collect()
}

#[test]
fn the_program_takes_every_flag_and_variable_that_is_told_of() {
    let known = known(&Flags::command());
    let readme = read("../README.md");
    let running = readme.split("\n## Run the server\n").nth(1).unwrap().split("\n## ").next().unwrap();
    let documents = ["README.md", "deploy/scanlogin.service", "deploy/Caddyfile"].map(read);
    let text = documents.concat() + running;
    let told: BTreeSet<&str> = text
        .split(|c: char| !c.is_ascii_alphanumeric() && !"-_".contains(c))
        .filter(|word| {
            word.strip_prefix("--").is_some_and(|rest| rest.starts_with(char::is_alphabetic))
                || word.starts_with("SCANLOGIN_")
        })
        // Of systemd.
        .filter(|word| *word != "--now")
        .collect();
    assert!(told.len() > 10, "{told:?}");
    let unknown: Vec<_> = told.iter().filter(|word| !known.contains(**word)).collect();
    assert!(unknown.is_empty(), "{unknown:?} of {known:?}");
}

#[test]
fn the_settings_that_are_shown_are_understood_and_the_defaults_that_they_tell_of() {
    let readme = read("README.md");
    let blocks: Vec<&str> = readme.split("```toml\n").skip(1).map(|block| block.split("```").next().unwrap()).collect();
    let text = blocks.concat();
    let settings = Settings::parse(&text).unwrap();
    let expected = App {
        allowed_origins: vec!["https://www.example.com".parse().unwrap()],
        logo: Some("https://www.example.com/logo.svg".to_owned()),
        ..App::new("shop", "The Shop", "customers", Hash::of("a"))
    };
    assert_eq!(settings.apps, [expected]);
    assert_eq!(settings.limits, Limits::default());
    assert!(!settings.issuers.is_empty());
}
