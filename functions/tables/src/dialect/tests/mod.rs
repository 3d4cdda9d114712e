//! What people export, and what is found in it.

mod exports;

use std::fmt::Write as _;

use super::*;

fn find_with(text: &str, wanted: &Wanted) -> Dialect {
    let sample = Sample {
        start: text.as_bytes().to_vec(),
        is_whole: true,
        ..Sample::default()
    };
    detect(&sample, wanted).unwrap_or_else(|failure| panic!("{failure}: {text:?}"))
}

fn find(text: &str) -> Dialect {
    find_with(text, &Wanted::default())
}

/// The rest of the text, from the first row on.
fn body<'a>(text: &'a str, dialect: &Dialect) -> &'a str {
    &text[usize::try_from(dialect.body_offset).unwrap()..]
}

#[track_caller]
fn check(text: &str, delimiter: &str, header: &[&str], first_row: &str) -> Dialect {
    let dialect = find(text);
    assert_eq!(dialect.delimiter, delimiter, "{dialect:?}");
    assert_eq!(dialect.header, header, "{dialect:?}");
    assert!(body(text, &dialect).starts_with(first_row), "{dialect:?}");
    dialect
}

#[test]
fn plain_files_of_every_delimiter() {
    for delimiter in [
        ",", "\t", ";", "|", ":", "^", "~", "||", "::", ", ", "; ", " | ", "|~|", "\u{1}", "\u{1F}", "¦", "§",
    ] {
        let rows = [
            ["id", "name", "price"],
            ["1", "pear", "1.5"],
            ["2", "fig", "2.25"],
            ["3", "plum", "0.75"],
        ];
        let text: String = rows.iter().map(|row| row.join(delimiter) + "\n").collect();
        let dialect = check(&text, delimiter, &rows[0], &rows[1].join(delimiter));
        assert_eq!(dialect.header_rows, 1);
        assert!(dialect.confidence > 0.5, "{dialect:?}");
    }
}

#[test]
fn a_space_delimits_where_quotes_or_numbers_say_so() {
    check("a b c\n1 2 3\n4 5 6\n", " ", &["a", "b", "c"], "1 2 3");
    check(
        "time name note\n12:00 ann \"a b\"\n13:00 bob \"c d\"\n",
        " ",
        &["time", "name", "note"],
        "12:00",
    );
}

#[test]
fn european_decimals() {
    check(
        "Artikel;Preis;Menge\nBirne;1,50;2,0\nFeige;2,25;1,5\n",
        ";",
        &["Artikel", "Preis", "Menge"],
        "Birne",
    );
    check("a;b\n1,5;2,5\n", ";", &["a", "b"], "1,5");
}

#[test]
fn excel_says_what_separates() {
    let dialect = check("sep=;\r\na;b\r\n1,5;2\r\n", ";", &["a", "b"], "1,5;2");
    assert_eq!(dialect.preamble_lines, 1);
    check("\"sep=|\"\na|b\n1|2\n", "|", &["a", "b"], "1|2");
    check("sep=\t\na\tb\n1\t2\n", "\t", &["a", "b"], "1\t2");
}

#[test]
fn tabs_with_quotes_and_other_delimiters_inside() {
    check(
        "name\tnote\nx\ta, b; c\ny\td, \"e\"\nz\t5\" pipe, long\n",
        "\t",
        &["name", "note"],
        "x\t",
    );
}

#[test]
fn quotes_and_escapes() {
    let quoting = |text: &str| {
        let dialect = find(text);
        (dialect.quote.map(char::from), dialect.escape.map(char::from))
    };
    assert_eq!(
        quoting("a,b\n\"x, \"\"y\"\"\",1\n\"z\",2\n"),
        (Some('"'), Some('"'))
    );
    assert_eq!(
        quoting("a,b\n\"x, \\\"y\\\" z\",1\n\"z\",2\n"),
        (Some('"'), Some('\\'))
    );
    assert_eq!(quoting("a,b\n'x, y',1\n'z',2\n"), (Some('\''), Some('\'')));
    assert_eq!(quoting("a,b\nit's,1\n'tis,2\nx,3\n").0, Some('"'));
}

#[test]
fn preambles_are_passed() {
    let dialect = check(
        "Report of sales\nfor 2024, all regions\n\nid,name,sum\n1,a,2.5\n2,b,3.5\n",
        ",",
        &["id", "name", "sum"],
        "1,a",
    );
    assert_eq!(dialect.preamble_lines, 3);
    check(
        "PREAMBLE,,,\n,,,\nid,name,sum,n\n1,a,2.5,3\n2,b,3.5,4\n",
        ",",
        &["id", "name", "sum", "n"],
        "1,a",
    );
    check(
        "# made by a machine\n# on a day\nid\tname\tn\n1\ta\t3\n2\tb\t4\n",
        "\t",
        &["id", "name", "n"],
        "1\ta",
    );
    // A header that begins as comments do.
    check(
        "##meta\n#id\tname\tn\n1\ta\t3\n2\tb\t4\n",
        "\t",
        &["#id", "name", "n"],
        "1\ta",
    );
}

#[test]
fn comments_between_rows_are_found() {
    let dialect = find("id,name\n# note\n1,a\n2,b\n# end of it\n3,c\n");
    assert_eq!(dialect.comment.as_deref(), Some("#"));
    assert_eq!(find("id,name\n1,a\n#2,b\n3,c\n").comment, None);
}

#[test]
fn headers_of_no_row_one_or_several() {
    let rows = |text: &str| find(text).header_rows;
    assert_eq!(rows("id,at\n1,2024-01-01\n2,2024-01-02\n"), 1);
    assert_eq!(rows("1,2024-01-01\n2,2024-01-02\n"), 0);
    assert_eq!(rows("ann,bob\n"), 1);
    assert_eq!(rows("1,2\n"), 0);
    assert_eq!(rows("name,city\nann,Rome\nbob,Oslo\n"), 1);
    assert_eq!(rows("ann,Rome\nbob,Rome\nann,Oslo\n"), 0);
    // Years are numbers, and name columns.
    assert_eq!(rows("country,2019,2020,2021\nA,1,2,3\nB,4,5,6\n"), 1);
    // One value that is missing does not make a row a header.
    assert_eq!(rows("1,?,3,2024-01-01\n2,5,6,2024-01-02\n3,5,6,2024-01-02\n"), 0);
    let units =
        "length,width,at\n[m],[cm],[date]\n1.5,2.5,2024-01-01\n3.5,4.5,2024-01-02\n1.5,2,2024-01-02\n";
    let dialect = check(units, ",", &["length [m]", "width [cm]", "at [date]"], "1.5");
    assert_eq!(dialect.header_rows, 2);
}

#[test]
fn headers_that_are_not_as_long_as_their_rows() {
    check("a,b,,c\n1,2,3\n4,5,6\n", ",", &["a", "b", "c"], "1,2");
    check("a,b\n1,2,3\n4,5,6\n", ",", &["a", "b", ""], "1,2");
    // R numbers its rows, and has no name for that.
    check(
        "x y z\n1 5 6 a\n2 7 8 b\n3 7 8 b\n",
        " ",
        &["", "x", "y", "z"],
        "1 5",
    );
    // A spreadsheet leaves out what is empty at the end.
    check(
        "a,b,c,note\n1,2,3\n4,5,6\n7,8,9,x\n",
        ",",
        &["a", "b", "c", "note"],
        "1,2",
    );
}

#[test]
fn one_column() {
    check("name\nann\nbob\n", ",", &["name"], "ann");
    check("amount\n1,5\n2,25\n", "\u{1F}", &["amount"], "1,5");
    check("time\n12:00:05\n13:15:00\n", ",", &["time"], "12:00");
    check(
        "at\n2024-01-01 12:00:00\n2024-01-02 12:00:00\n",
        ",",
        &["at"],
        "2024",
    );
    check("name\nann lee\nbob ray\ncid poe\n", ",", &["name"], "ann lee");
    check("a", ",", &["a"], "");
}

#[test]
fn lines_at_the_end_are_not_the_tables_shape() {
    let mut text = String::from("id,name,n\n");
    for row in 0..20 {
        let _ = writeln!(text, "{row},x{row},{}", row * 2);
    }
    text.push_str("\nTotal: 20\nSource: somewhere, and so on, in full\n");
    check(&text, ",", &["id", "name", "n"], "0,x0");
}

#[test]
fn what_is_asked_for_is_not_looked_for() {
    let text = "skip, this\na;b,c\n1;2,3\n";
    let wanted = Wanted {
        delimiter: Some(";".into()),
        skip_lines: Some(1),
        header_rows: Some(1),
        ..Wanted::default()
    };
    let dialect = find_with(text, &wanted);
    assert_eq!(
        (dialect.delimiter.as_str(), dialect.header),
        (";", vec!["a".into(), "b,c".into()])
    );
    let none = Wanted {
        header_rows: Some(0),
        quote: Some(None),
        ..Wanted::default()
    };
    let dialect = find_with("a,\"b\nc,d\n", &none);
    assert_eq!(
        (dialect.header_rows, dialect.quote, dialect.body_offset),
        (0, None, 0)
    );
    assert_eq!(dialect.header, ["", ""]);
}

#[test]
fn pieces_from_inside_tell_what_the_beginning_does_not() {
    let sample = Sample {
        start: b"note;n\nx, y;1\n".to_vec(),
        is_whole: false,
        inside: vec![b"cut\na, b;2\nc, d;3\ne;4\nf, g, h;5\ncu".to_vec()],
        ..Sample::default()
    };
    assert_eq!(detect(&sample, &Wanted::default()).unwrap().delimiter, ";");
}

#[test]
fn rows_of_another_width_before_the_most_are_no_preamble() {
    check(
        "id,qty\n1,5\n2,6\n3,7,x\n4,8,y\n5,9,z\n",
        ",",
        &["id", "qty", ""],
        "1,5",
    );
    let rows = |row: &str, count: usize| row.repeat(count);
    let text = format!("id,name,qty\n{}{}", rows("1,a,5\n", 300), rows("2,b,6,x\n", 600));
    check(&text, ",", &["id", "name", "qty", ""], "1,a,5");
    let text = format!(
        "id,name,qty,note\n{}{}",
        rows("1,a,5,x\n", 300),
        rows("2,b,6\n", 600)
    );
    check(&text, ",", &["id", "name", "qty", "note"], "1,a,5,x");
    // What says something else than rows is one.
    check(
        "Report,Sales\nFrom,2024-01-01\nTo,2024-02-01\nid,name,qty,price\n1,a,2,1.5\n2,b,3,2.5\n",
        ",",
        &["id", "name", "qty", "price"],
        "1,a",
    );
}

#[test]
fn a_first_row_with_little_in_it_is_a_row() {
    let dialect = find("1,,\n2,a,b\n3,c,d\n");
    assert_eq!((dialect.header_rows, dialect.body_offset), (0, 0));
}

#[test]
fn a_row_without_numbers_is_no_second_row_of_a_header() {
    for row in ["A-1,TBD,TBD", "AAA,n.m.,n.m."] {
        let text = format!("sku,price,stock\n{row}\nB-2,9.99,5\nC-3,1.50,7\n");
        check(&text, ",", &["sku", "price", "stock"], row);
    }
}

#[test]
fn a_preamble_may_be_filled_up_with_delimiters() {
    let text = "Sales report,,,\nFrom:,2024-01-01,,\n,,,\nid,name,qty,price\n1,N1,1,1.50\n2,N2,2,2.50\n3,N3,3,3.50\n";
    check(text, ",", &["id", "name", "qty", "price"], "1,N1");
    // A header of two rows is none.
    let text = "place,size,,\nname,m,kg,s\nhere,1,2,3\nthere,4,5,6\nnowhere,7,8,9\n";
    assert_eq!(find(text).header_rows, 2);
}

#[test]
fn a_header_that_comes_again_is_one() {
    check(
        "name,city\nBob,Paris\nEve,Rome\nname,city\nAl,Oslo\n",
        ",",
        &["name", "city"],
        "Bob",
    );
}

#[test]
fn rows_that_are_named() {
    // As R writes them by default.
    check(
        "\"mpg\" \"cyl\"\n\"Mazda RX4\" 21.0 6\n\"Datsun 710\" 22.8 4\n",
        " ",
        &["", "mpg", "cyl"],
        "\"Mazda",
    );
}

#[test]
fn a_delimiter_that_all_lines_have_goes_before_one_that_the_header_lacks() {
    for delimiter in [";", "\t"] {
        let rows = [
            "Manager;Employee",
            "Jones, Zed;Smith, Kim",
            "Lee, Al;Ray, Eve",
            "Ray, Bob;Lee, Kim",
            "Smith, Al;Jones, Eve",
        ];
        let text = rows.join("\n").replace(';', delimiter);
        check(&text, delimiter, &["Manager", "Employee"], "Jones");
    }
}

#[test]
fn one_column_in_quotes() {
    let quoted = |text: &str, header: &str| {
        let dialect = find(text);
        assert_eq!(
            (dialect.quote, dialect.header),
            (Some(b'"'), vec![header.to_owned()]),
            "{text:?}"
        );
    };
    quoted("text\n\"line 1\nline 2\"\n\"b\"\n", "text");
    quoted("Revenue\n\"1,234\"\n\"2,345\"\n", "Revenue");
    quoted("\"city\"\n\"New York\"\n\"Rome\"\n", "city");
    quoted(
        "doc\n\"{\"\"a\"\":1,\"\"b\"\":2}\"\n\"{\"\"a\"\":3,\"\"b\"\":4}\"\n",
        "doc",
    );
    // What is looked at ends within a cell.
    quoted(&format!("text\n{}", "\"10,2\n3,4\"\n".repeat(12_000)), "text");
    // Quotes that mostly do not work out are text.
    assert_eq!(
        find("note\n\"so\" he said\n\"no\"\n\"why\" she said\n").quote,
        None
    );
}

#[test]
fn more_columns_than_a_candidate_reads() {
    let names: Vec<String> = (0..20_000).map(|index| format!("c{index}")).collect();
    let dialect = find(&format!("{}\n{}\n", names.join(","), vec!["1"; 20_000].join(",")));
    // Enough of them to be refused.
    assert!(dialect.delimiter == "," && dialect.columns() > crate::processor::MAX_COLUMNS);
}

#[test]
fn nothing_and_next_to_nothing() {
    for text in ["", "\n", "\r\n\r\n\n"] {
        let sample = Sample {
            start: text.as_bytes().to_vec(),
            is_whole: true,
            ..Sample::default()
        };
        assert_eq!(detect(&sample, &Wanted::default()).unwrap_err().code, "empty");
    }
    let long = Sample {
        start: vec![b'x'; 1000],
        is_whole: false,
        ..Sample::default()
    };
    assert_eq!(detect(&long, &Wanted::default()).unwrap_err().code, "bad-header");
}

proptest::proptest! {
    #[test]
    fn any_bytes_give_a_dialect_or_a_refusal(bytes in proptest::collection::vec(
        proptest::prop_oneof![
            4 => proptest::sample::select(b",;\t|\"'\\\n\r# :ab1.".to_vec()),
            1 => proptest::prelude::any::<u8>(),
        ],
        0..300,
    ), whole in proptest::prelude::any::<bool>()) {
        let sample = Sample { inside: vec![bytes.clone()], start: bytes, is_whole: whole, ..Sample::default() };
        if let Ok(dialect) = detect(&sample, &Wanted::default()) {
            proptest::prop_assert!(!dialect.header.is_empty());
            proptest::prop_assert!(dialect.body_offset <= sample.start.len() as u64);
            proptest::prop_assert!((0.0..=1.0).contains(&dialect.confidence));
        }
    }
}
