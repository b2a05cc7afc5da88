//! `app add`, `app list` and `app rotate-secret`, and how they change the settings file.

use std::fs;
use std::path::Path;
use std::process::{Output, Stdio};

use scanlogin_server::config::app::Apps;

use super::{ADD_SHOP, program, run_err, run_ok, settings};

#[test]
fn app_add_stores_a_secret_hash_and_prints_the_secret_once() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let (secret, stderr) = run_ok(folder, &ADD_SHOP);
    assert_eq!(secret.len(), 43);
    assert!(stderr.contains("scanlogin.toml") && !stderr.contains(&secret), "{stderr}");

    let text = fs::read_to_string(folder.join("scanlogin.toml")).unwrap();
    assert!(text.starts_with('#') && !text.contains(&secret), "the file starts with a comment: {text}");
    let app = settings(folder).apps.remove(0);
    assert_eq!((app.id.as_str(), app.name.as_str()), ("shop", "The Shop"));
    assert!(app.has_secret(&secret));

    let listed = run_ok(folder, &["app", "list"]).0;
    assert!(listed.starts_with("shop") && listed.lines().count() == 1, "{listed}");
    for value in ["\"The Shop\"", "customers", "https://shop.example"] {
        assert!(listed.contains(value), "{value} in {listed}");
    }
    let (_, checked) = run_ok(folder, &["check-config"]);
    assert!(checked.contains("127.0.0.1:8787"), "the address that a server would listen on: {checked}");
}

#[test]
fn app_add_stores_the_address_of_links_and_rejects_another() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let with = |code_url: &'static str| [&ADD_SHOP[..], &["--code-url", code_url]].concat();
    let error = run_err(folder, &with("http://pass.example.com/s"));
    assert!(error.contains("--code-url") && error.contains("https://"), "{error}");
    assert!(!folder.join("scanlogin.toml").exists());

    run_ok(folder, &with("https://pass.example.com/s"));
    assert_eq!(settings(folder).apps[0].code_url.as_ref().unwrap().as_str(), "https://pass.example.com/s");
    let listed = run_ok(folder, &["app", "list"]).0;
    assert!(listed.contains("with links to https://pass.example.com/s"), "{listed}");

    let file = folder.join("scanlogin.toml");
    let text = fs::read_to_string(&file).unwrap() + "\n[native_apps]\nios = [\"ABCDE12345.com.example.pass\"]\n";
    fs::write(&file, text).unwrap();
    let (_, checked) = run_ok(folder, &["check-config"]);
    assert!(checked.contains("ABCDE12345.com.example.pass"), "{checked}");
}

#[test]
fn app_commands_preserve_manual_edits_of_the_settings_file() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    run_ok(folder, &ADD_SHOP);
    let file = folder.join("scanlogin.toml");
    let text = fs::read_to_string(&file).unwrap() + "code_lifetime = 60 # shorter than the default\n";
    fs::write(&file, &text).unwrap();
    run_ok(folder, &["app", "add", "blog", "--name", "Blog", "--user-pool-id", "customers"]);
    assert!(fs::read_to_string(&file).unwrap().starts_with(&text));
    let listed = run_ok(folder, &["app", "list"]).0;
    let blog = listed.lines().last().unwrap();
    assert!(blog.starts_with("blog") && blog.contains("\"Blog\"") && blog.contains("customers"), "{listed}");
    assert!(!blog.contains("https://"), "no origin is allowed: {listed}");
    run_ok(folder, &["app", "rotate-secret", "shop"]);
    assert!(fs::read_to_string(&file).unwrap().contains("code_lifetime = 60 # shorter than the default\n"));
    assert_eq!(settings(folder).apps.len(), 2);
}

#[test]
fn app_list_tells_how_phones_confirm_and_how_many_pages_have_links() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    run_ok(folder, &ADD_SHOP);
    let listed = run_ok(folder, &["app", "list"]).0;
    assert!(!listed.contains("same device") && !listed.contains("number"), "{listed}");
    let file = folder.join("scanlogin.toml");
    let text = fs::read_to_string(&file).unwrap()
        + "confirmation = \"number\"\ncode_url = \"https://pass.example/s\"\n\
           return_urls = [\"https://shop.example/login\"]\n";
    fs::write(&file, text).unwrap();
    let listed = run_ok(folder, &["app", "list"]).0;
    assert!(listed.contains("1 page has links for the same device"), "{listed}");
    assert!(listed.contains("phones ask for the number"), "{listed}");
}

#[test]
fn rotate_secret_keeps_the_previous_secret_valid_unless_revoked() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let (first, _) = run_ok(folder, &ADD_SHOP);
    let (second, _) = run_ok(folder, &["app", "rotate-secret", "shop"]);
    let is_accepted = |secret: &str| settings(folder).apps[0].has_secret(secret);
    assert!(is_accepted(&first) && is_accepted(&second));
    let (third, _) = run_ok(folder, &["app", "rotate-secret", "shop"]);
    assert!(!is_accepted(&first) && is_accepted(&second) && is_accepted(&third));
    let (fourth, _) = run_ok(folder, &["app", "rotate-secret", "shop", "--revoke"]);
    assert!(!is_accepted(&third) && is_accepted(&fourth));
}

#[test]
fn invalid_commands_fail_with_a_cause_and_change_no_file() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    assert!(run_err(folder, &["app", "list"]).contains("app add"));
    assert!(run_err(folder, &["app", "rotate-secret", "shop"]).contains("scanlogin.toml"));
    let with_colon: Vec<&str> = ADD_SHOP.iter().map(|word| if *word == "shop" { "sh:op" } else { word }).collect();
    assert!(run_err(folder, &with_colon).contains("colon"));
    assert!(!folder.join("scanlogin.toml").exists());

    run_ok(folder, &ADD_SHOP);
    let text = fs::read_to_string(folder.join("scanlogin.toml")).unwrap();
    assert!(run_err(folder, &ADD_SHOP).contains("\"shop\""));
    assert!(run_err(folder, &["app", "rotate-secret", "shap"]).contains("\"shap\""));
    assert!(run_err(folder, &["app", "add", "blog", "--name", " ", "--user-pool-id", "p"]).contains("empty"));
    assert_eq!(fs::read_to_string(folder.join("scanlogin.toml")).unwrap(), text);

    fs::write(folder.join("scanlogin.toml"), text.replace("name = ", "nome = ")).unwrap();
    assert!(run_err(folder, &["check-config"]).contains("`nome`"));
    assert!(run_err(folder, &[]).contains("`nome`"), "the server does not start either");
    assert_eq!(fs::read_dir(folder).unwrap().count(), 1, "there is no other file, such as a temporary one");
}

#[test]
fn concurrent_app_commands_lose_no_app_and_no_secret() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    run_ok(folder, &ADD_SHOP);
    let ids: Vec<String> = (0..20).map(|number| format!("app-{number}")).collect();
    let add = |id: &String| program(folder, &["app", "add", id, "--name", id, "--user-pool-id", "customers"]);
    let commands = ids.iter().map(add).chain([program(folder, &["app", "rotate-secret", "shop"])]);
    let processes: Vec<_> =
        commands.map(|mut command| command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()).collect();
    let outputs: Vec<Output> = processes.into_iter().map(|process| process.wait_with_output().unwrap()).collect();

    let apps = Apps::new(settings(folder).apps);
    let is_stored = |id: &str, output: &Output| {
        let secret = String::from_utf8(output.stdout.clone()).unwrap();
        apps.find(id).is_some_and(|app| app.has_secret(secret.trim_end()))
    };
    let stored = ids.iter().map(String::as_str).chain(["shop"]).zip(&outputs).filter(|(id, out)| is_stored(id, out));
    let succeeded = outputs.iter().filter(|output| output.status.success()).count();
    assert_eq!((succeeded, stored.count()), (21, 21), "commands that succeeded, secrets that are stored");
    assert_eq!(fs::read_dir(folder).unwrap().count(), 1, "there is no other file");
}

#[cfg(unix)]
#[test]
fn app_commands_keep_owner_mode_and_symbolic_link_of_the_settings_file() {
    use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, chown, symlink};
    let folder = tempfile::tempdir().unwrap();
    let (folder, target) = (folder.path(), folder.path().join("shared/settings.toml"));
    run_ok(folder, &ADD_SHOP);
    fs::create_dir(folder.join("shared")).unwrap();
    fs::rename(folder.join("scanlogin.toml"), &target).unwrap();
    symlink("shared/settings.toml", folder.join("scanlogin.toml")).unwrap();
    // Only root can give a file to another user. For other users the owner is their own.
    let _ = chown(&target, Some(12_345), Some(12_346));
    fs::set_permissions(&target, fs::Permissions::from_mode(0o640)).unwrap();
    let state = || {
        let metadata = fs::metadata(&target).unwrap();
        (metadata.uid(), metadata.gid(), metadata.mode())
    };
    let before = state();

    let (secret, _) = run_ok(folder, &["app", "rotate-secret", "shop"]);
    assert_eq!(fs::read_link(folder.join("scanlogin.toml")).unwrap(), Path::new("shared/settings.toml"));
    assert_eq!(state(), before, "owner, group and mode");
    assert!(settings(folder).apps[0].has_secret(&secret));
    assert_eq!(fs::read_dir(folder).unwrap().chain(fs::read_dir(folder.join("shared")).unwrap()).count(), 3);

    fs::remove_file(&target).unwrap();
    assert!(run_err(folder, &ADD_SHOP).contains("symbolic link"), "the link leads to no file");
}

#[cfg(unix)]
#[test]
fn app_commands_write_through_no_symbolic_link_beside_the_settings_file() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let victim = folder.join("victim");
    fs::write(&victim, "untouched").unwrap();
    for name in ["scanlogin.new", "scanlogin.toml.new"] {
        std::os::unix::fs::symlink(&victim, folder.join(name)).unwrap();
    }
    run_ok(folder, &ADD_SHOP);
    assert_eq!(fs::read_to_string(&victim).unwrap(), "untouched");
    assert!(!fs::symlink_metadata(folder.join("scanlogin.toml")).unwrap().is_symlink());
}
