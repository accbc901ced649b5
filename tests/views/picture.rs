//! The pictures of the documentation, below `docs/images`. They are written again with
//! `POLWARDEN_WRITE_PICTURES=1 cargo test --test polwarden views::picture`, and show the example of
//! `scenarios::three_changes`.

use std::fmt::Write as _;
use std::path::PathBuf;

use super::scenarios;
use crate::cli::sandbox::Ran;
use crate::formats::browser::devtools::Browser;
use crate::skip;

const COLUMNS: usize = 100;
/// A larger picture makes a page slow on a phone.
const LARGEST: u64 = 150 * 1_000;

fn image(name: &str) -> PathBuf {
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    root.join("docs/images").join(name)
}

fn writes() -> bool {
    std::env::var_os("POLWARDEN_WRITE_PICTURES").is_some()
}

/// Text with ANSI colors as a picture of a terminal.
fn svg(text: &str) -> String {
    const LINE: usize = 19;
    let height = text.lines().count() * LINE + 64;
    let width = COLUMNS * 8 + 44;
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width} {height}\" width=\"{width}\" \
         height=\"{height}\" role=\"img\" aria-label=\"A plan in a terminal\">\n\
         <style>text {{ font: 13px ui-monospace, Menlo, Consolas, 'DejaVu Sans Mono', monospace; \
         fill: #e6edf3; white-space: pre; }} .bold {{ font-weight: bold; }} .dim {{ fill: #9da7b3; }} \
         .red {{ fill: #ffa198; }} .green {{ fill: #7ee787; }} .yellow {{ fill: #e3b341; }}</style>\n\
         <rect width=\"100%\" height=\"100%\" rx=\"8\" fill=\"#0d1117\"/>\n\
         <circle cx=\"22\" cy=\"20\" r=\"6\" fill=\"#ff5f57\"/><circle cx=\"42\" cy=\"20\" r=\"6\" fill=\"#febc2e\"/>\
         <circle cx=\"62\" cy=\"20\" r=\"6\" fill=\"#28c840\"/>\n"
    );
    for (row, line) in text.lines().enumerate() {
        if line.is_empty() {
            continue;
        }
        let y = 54 + row * LINE;
        let _ = write!(svg, "<text x=\"22\" y=\"{y}\" xml:space=\"preserve\">");
        for (position, part) in line.split('\u{1b}').enumerate() {
            let (class, text) = match part.split_once('m') {
                Some((code, text)) if position > 0 => (class(code), text),
                _ => ("", part),
            };
            let text = text.replace('&', "&amp;").replace('<', "&lt;");
            match class {
                _ if text.is_empty() => {}
                "" => svg.push_str(&text),
                class => {
                    let _ = write!(svg, "<tspan class=\"{class}\">{text}</tspan>");
                }
            }
        }
        svg.push_str("</text>\n");
    }
    svg.push_str("</svg>\n");
    svg
}

fn class(code: &str) -> &'static str {
    match code {
        "[1" => "bold",
        "[2" => "dim",
        "[31" => "red",
        "[32" => "green",
        "[33" => "yellow",
        "[0" => "",
        other => panic!("unknown escape sequence {other}"),
    }
}

/// The mark depends on ids of the service, which are different in every run.
fn without_mark(svg: &str) -> String {
    let mut parts = svg.split("plan");
    let mut text = parts.next().unwrap().to_owned();
    for part in parts {
        text.push_str("plan");
        let is_mark = |digits: &str| digits.bytes().all(|digit| digit.is_ascii_hexdigit());
        match part.get(1..17) {
            Some(digits) if is_mark(digits) => {
                text.push_str(&part[..1]);
                text.push_str("[mark]");
                text.push_str(&part[17..]);
            }
            _ => text.push_str(part),
        }
    }
    text
}

/// The same picture without transparency and with the best compression.
fn smaller(picture: &[u8]) -> Vec<u8> {
    let mut reader = png::Decoder::new(std::io::Cursor::new(picture))
        .read_info()
        .unwrap();
    let mut pixels = vec![0; reader.output_buffer_size().unwrap()];
    let info = reader.next_frame(&mut pixels).unwrap();
    let rgb: Vec<u8> = pixels[..info.buffer_size()]
        .chunks(info.color_type.samples())
        .flat_map(|pixel| [pixel[0], pixel[1], pixel[2]])
        .collect();
    let mut file = Vec::new();
    let mut encoder = png::Encoder::new(&mut file, info.width, info.height);
    encoder.set_color(png::ColorType::Rgb);
    encoder.set_compression(png::Compression::High);
    let mut writer = encoder.write_header().unwrap();
    writer.write_image_data(&rgb).unwrap();
    writer.finish().unwrap();
    file
}

#[test]
fn the_picture_of_a_plan_is_what_the_program_prints() {
    let scenario = scenarios::three_changes();
    let arguments = [scenario.plan, &["--color", "always"]].concat();
    let mut command = scenario.sandbox.command(&arguments);
    command.env("COLUMNS", COLUMNS.to_string());
    let ran = Ran::of(command.output().unwrap());
    let svg = svg(&format!(
        "\u{1b}[2m$\u{1b}[0m polwarden plan --base main\n\n{}",
        ran.out
    ));
    if writes() {
        std::fs::create_dir_all(image("")).unwrap();
        std::fs::write(image("plan.svg"), &svg).unwrap();
    }
    let committed = std::fs::read_to_string(image("plan.svg")).unwrap();
    assert_eq!(
        without_mark(&committed),
        without_mark(&svg),
        "write the pictures again"
    );
}

#[test]
fn the_pictures_of_the_page_are_small() {
    let names = ["light", "dark"].map(|scheme| [1280, 390].map(|width| (scheme, width)));
    if writes() {
        let Some(mut browser) = Browser::start() else {
            skip::needs("chromium");
            return;
        };
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("plan.html");
        std::fs::write(&file, scenarios::three_changes().format("html")).unwrap();
        let mut tab = browser.open(&format!("file://{}", file.display()));
        for (scheme, width) in names.into_iter().flatten() {
            tab.resize(width, if width < 500 { 1_100 } else { 860 });
            tab.prefer(scheme);
            let picture = smaller(&tab.screenshot());
            std::fs::write(image(&format!("page-{scheme}-{width}.png")), picture).unwrap();
        }
    }
    for (scheme, width) in names.into_iter().flatten() {
        let file = image(&format!("page-{scheme}-{width}.png"));
        let size = std::fs::metadata(&file).unwrap().len();
        assert!(size <= LARGEST, "{}: {size} bytes", file.display());
        let picture = std::fs::File::open(&file).unwrap();
        let reader = png::Decoder::new(std::io::BufReader::new(picture));
        assert_eq!(reader.read_info().unwrap().info().width, width);
    }
}
