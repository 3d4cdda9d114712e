//! What is resized to what.

use shared::options::ImagesOptions;

use super::*;

fn plan(size: (u32, u32), renditions: &str) -> Plan {
    let options = ImagesOptions::from_json(&format!("{{\"renditions\":{renditions}}}")).unwrap();
    Plan::new(size, &options.resolve().unwrap(), false)
}

fn size(size: (u32, u32), rendition: &str) -> (u32, u32) {
    let plan = plan(size, &format!("[{rendition}]"));
    plan.layouts[0]
        .canvas
        .or(plan.layouts[0].attention)
        .unwrap_or(plan.bases[0].size)
}

#[test]
fn sizes_are_as_asked_and_never_enlarged() {
    for (source, rendition, expected) in [
        ((4000, 3000), r#"{"width":320}"#, (320, 240)),
        ((4000, 3000), r#"{"height":300}"#, (400, 300)),
        ((100, 50), r#"{"width":320}"#, (100, 50)),
        ((4000, 3000), r#"{"width":100,"height":100}"#, (100, 75)),
        (
            (4000, 3000),
            r#"{"width":100,"height":100,"fit":"cover"}"#,
            (100, 100),
        ),
        ((40, 30), r#"{"width":100,"height":50,"fit":"cover"}"#, (40, 20)),
        (
            (4000, 3000),
            r#"{"width":100,"height":100,"fit":"fill"}"#,
            (100, 100),
        ),
        (
            (40, 3000),
            r#"{"width":100,"height":100,"fit":"fill"}"#,
            (40, 100),
        ),
        (
            (4000, 3000),
            r#"{"width":100,"height":100,"fit":"contain"}"#,
            (100, 100),
        ),
        (
            (40, 30),
            r#"{"width":400,"height":400,"fit":"contain"}"#,
            (40, 40),
        ),
        (
            (4000, 3000),
            r#"{"width":100,"height":100,"fit":"cover","focus":"attention"}"#,
            (100, 100),
        ),
        ((10000, 1), r#"{"width":100}"#, (100, 1)),
        ((1, 10000), r#"{"width":100}"#, (1, 10000)),
        ((20000, 20000), "{}", (16383, 16383)),
    ] {
        assert_eq!(size(source, rendition), expected, "{source:?} {rendition}");
    }
}

#[test]
fn smaller_ones_are_made_of_larger_ones() {
    let plan = plan(
        (4000, 3000),
        r#"[{"width":320},{"width":2048},{"width":1024},{"width":900},{"width":2048,"format":"jpeg"}]"#,
    );
    assert_eq!(plan.bases.len(), 4);
    let roots = plan.nodes((4000, 3000), (4000, 3000), 1);
    assert_eq!(roots.len(), 1);
    assert_eq!(roots[0].target.0, 2048);
    let mut children: Vec<_> = roots[0].children.iter().map(|child| child.target.0).collect();
    children.sort_unstable();
    assert_eq!(children, [900, 1024]);
    assert_eq!(
        roots[0]
            .children
            .iter()
            .flat_map(|child| &child.children)
            .map(|child| child.target.0)
            .collect::<Vec<_>>(),
        [320]
    );
    assert_eq!(plan.wanted((4000, 3000), 1), (2458, 1844));
}

#[test]
fn a_focus_stays_in_sight() {
    let plan = plan(
        (400, 100),
        r#"[{"width":100,"height":100,"fit":"cover","focus":{"x":0.9,"y":0.5}},{"width":100,"height":100,"fit":"cover","name":"b"}]"#,
    );
    assert_eq!(
        plan.bases[0].region,
        Region {
            x: 300.0,
            y: 0.0,
            width: 100.0,
            height: 100.0
        }
    );
    assert_eq!(
        plan.bases[1].region,
        Region {
            x: 150.0,
            y: 0.0,
            width: 100.0,
            height: 100.0
        }
    );
    // Stored on its side, the left is on top (5) or below (6).
    let top = |orientation| stored_region(&plan.bases[0].region, (100, 400), orientation).y;
    assert!((top(5) - 300.0).abs() < 1e-9 && top(6).abs() < 1e-9);
}
