//! Files as programs export them, which were once read otherwise.

use super::*;

#[test]
fn a_title_hides_no_delimiter() {
    let rows = |row: fn(usize) -> String, count: usize| (0..count).map(row).collect::<String>();
    for title in ["My title\n", "\n", "# My title\n", "Run 1\n\n"] {
        for count in [1, 9, 50] {
            let scores = rows(|row| format!("{row},{}\n", row * 7), count);
            check(
                &format!("{title}id,score\n{scores}"),
                ",",
                &["id", "score"],
                "0,0",
            );
            let temperatures = rows(|row| format!("10:{row:02},20.{row}\n"), count);
            check(
                &format!("{title}time,temp\n{temperatures}"),
                ",",
                &["time", "temp"],
                "10:00",
            );
        }
    }
}

#[test]
fn a_list_with_a_comma_here_and_there_is_one_column() {
    let one = |text: &str, header: &str| {
        let dialect = find(text);
        assert_eq!(
            (dialect.header.as_slice(), dialect.preamble_lines),
            (&[header.to_owned()][..], 0),
            "{text:?}"
        );
        dialect
    };
    let acme = "Acme\n".repeat(20);
    let quoted = one(
        &format!("company\n{acme}\"Widgets, Inc.\"\nFord\nFord\n"),
        "company",
    );
    assert_eq!(quoted.quote, Some(b'"'));
    one(&format!("company\n{acme}Widgets, Inc.\nFord\nFord\n"), "company");
    one("comment\nok\nToo long, did not read\nfine\nok\n", "comment");
    one(
        "address\n\"5 Main St, Boston\"\n12 High Street\n\"7 Elm Rd, Apt 4, Salem\"\n",
        "address",
    );
    one(
        "address\n12 High Street\n3 Elm Road\n7 Main St, Boston\n",
        "address",
    );
    one(
        "company\nAcme\nFord\nHooli, LLC\nStark\nWayne\nAcme, Inc.\n",
        "company",
    );
    // A short table behind a longer preamble is none.
    check(
        "Report\nof sales\nin May\n\nname,total\nAnn,5\n",
        ",",
        &["name", "total"],
        "Ann",
    );
}

#[test]
fn a_row_with_a_cell_that_was_split_is_no_preamble() {
    for split in 1..3 {
        let text = format!(
            "{}3,Ida,2021-03-02\n4,Eva,2021-03-04\n5,Bo,2021-03-05\n",
            "1,Max, Jr.,2021-03-02\n".repeat(split)
        );
        let dialect = find(&text);
        assert_eq!(
            (dialect.delimiter.as_str(), dialect.body_offset, dialect.columns()),
            (",", 0, 3),
            "{text:?}"
        );
    }
    check(
        "id,name,date\n1,Max, Jr.,2021-03-02\n2,Bob, Sr.,2021-03-03\n3,Eva,2021-03-02\n4,Eva,2021-03-02\n",
        ",",
        &["id", "name", "date"],
        "1,Max",
    );
}

#[test]
fn what_else_stands_in_cells_does_not_split_them() {
    // MovieLens.
    let dialect = find(
        "1::Toy Story (1995)::Animation|Comedy\n2::Jumanji (1995)::Adventure|Fantasy\n3::Heat (1995)::Action|Crime\n",
    );
    assert_eq!((dialect.delimiter.as_str(), dialect.body_offset), ("::", 0));
    // Eurostat: keys with commas between them, a colon where nothing is known, flags behind numbers.
    for rows in [1, 5, 50] {
        let rows = "A,PC,FR\t8.8 \t: \nA,PC,DE\t: c\t1.5 b\n".repeat(rows);
        let header = "freq,unit,geo\\TIME_PERIOD\t2010 \t2011 ";
        let dialect = find(&format!("{header}\n{rows}"));
        assert_eq!(
            (dialect.delimiter.as_str(), dialect.header_rows),
            ("\t", 1),
            "{rows:?}"
        );
    }
    // A server's log is no time of day.
    let rows = (10..60)
        .map(|second| format!("2021-03-02 10:11:{second} 10.0.0.1 GET 200\n"))
        .collect::<Vec<_>>()
        .concat();
    assert_eq!(find(&rows).delimiter, " ");
}

#[test]
fn numbers_name_columns_where_they_count() {
    let rows = |text: &str| find(text).header_rows;
    assert_eq!(rows("Name,2021,2022\nRent,480,500\nFood,,310\n"), 1);
    assert_eq!(rows("Name,2022,2021,Note\nRent,480,500,x\nFood,90,,y\n"), 1);
    // As pandas writes columns that have no name.
    assert_eq!(rows(",0,1\n0,0.5,1.5\n1,0.25,2.5\n2,0.5,7.5\n"), 1);
    assert_eq!(rows(",0\n0,0.5\n1,0.25\n"), 1);
    assert_eq!(rows("label,0,1,2\na,5,7,1\nb,8,9,3\n"), 1);
    // Rows count, too.
    assert_eq!(rows("Ann,2020,2021\nBo,2018,2019\nCid,2001,2002\n"), 0);
    assert_eq!(rows("Ann,0,1\nBo,3,5\nCid,2,2\n"), 0);
    assert_eq!(rows("1,2,3\n4,5,7\n"), 0);
}

#[test]
fn facts_stand_before_a_table() {
    let days = (1..21)
        .map(|day| format!("2021-01-{day:02},{day}.5\n"))
        .collect::<Vec<_>>()
        .concat();
    check(
        &format!("Station,Berlin\nLatitude,52.5\n\nDate,Value\n{days}"),
        ",",
        &["Date", "Value"],
        "2021-01-01",
    );
    check(
        "IBAN:;CH12 0023;\nVon:;2023-01-01;\nBis:;2023-03-31;\nSaldo:;1234.56;\n\nDatum;Valuta;Text;Betrag\n2023-01-02;2023-01-02;Migros;-12.50\n",
        ";",
        &["Datum", "Valuta", "Text", "Betrag"],
        "2023-01-02",
    );
    // Rows before a blank line are none.
    let dialect = find("Date,Value\n2021-01-01,5\n2021-01-02,6\n\n2021-01-04,7\n2021-01-05,8\n");
    assert_eq!(
        (dialect.header.as_slice(), dialect.preamble_lines),
        (&["Date".to_owned(), "Value".to_owned()][..], 0)
    );
}

#[test]
fn what_stands_between_a_header_and_its_rows() {
    // `sqlcmd`, SQL*Plus and `psql` draw a line there.
    for text in [
        "ID,Name,Balance\n--,----,-------\n1,Smith,5.00\n2,Jones,7.50\n3,Bo,1.00\n",
        "ID|Name |Balance\n--|-----|-------\n1|Smith|5.00\n2|Jones|7.50\n",
        "ID|Name |Balance\n--+-----+-------\n1|Smith|5.00\n2|Jones|7.50\n",
    ] {
        let dialect = find(text);
        assert_eq!(
            (dialect.header_rows, dialect.header.first().map(String::as_str)),
            (1, Some("ID")),
            "{text:?}"
        );
        assert!(body(text, &dialect).starts_with('1'), "{text:?}");
    }
    // As pandas writes columns of two levels, and what the rows are called.
    check(
        "Price,Close,Close\nTicker,AAPL,MSFT\nDate,,\n2024-01-02,185.6,370.8\n2024-01-03,184.2,370.6\n2024-01-04,181.9,367.9\n",
        ",",
        &["Price Ticker Date", "Close AAPL", "Close MSFT"],
        "2024-01-02",
    );
}

#[test]
fn a_mark_in_front_of_the_names_is_none_of_them() {
    let rows = (10..20)
        .map(|second| format!("2021-03-02 10:11:{second} 10.0.0.1 GET 200\n"))
        .collect::<Vec<_>>()
        .concat();
    let head = "#Software: IIS\n#Version: 1.0\n#Date: 2021-03-02 00:00:00\n";
    check(
        &format!("{head}#Fields: date time s-ip cs-method sc-status\n{rows}"),
        " ",
        &["date", "time", "s-ip", "cs-method", "sc-status"],
        "2021-03-02",
    );
    check(
        "# time x y\n0.5 1.5 2.5\n1.0 2.5 3.5\n",
        " ",
        &["time", "x", "y"],
        "0.5",
    );
}

#[test]
fn an_apostrophe_that_is_a_cell_quotes_nothing() {
    for text in [
        "id,a,b\n1,',x\n2,m,x\n3,',x\n",
        "id,a\n1,'\n2,'\n",
        "'\tn0\t0\n-\tn1\t1\n.\tn2\t2\n'\tn3\t3\n",
    ] {
        assert_eq!(find(text).quote, Some(b'"'), "{text:?}");
    }
}

#[test]
fn columns_that_spaces_align_are_columns() {
    let processes =
        "  PID TTY          TIME CMD\n    1 ?        00:00:03 systemd\n 3126 pts/0    00:00:00 bash\n";
    check(processes, r"\s+", &["PID", "TTY", "TIME", "CMD"], "    1 ?");
    let pods =
        "NAME     READY   STATUS    AGE\nweb-7d   1/1     Running   3d\napi-5f   0/1     Pending   4h\n";
    check(pods, r"\s+", &["NAME", "READY", "STATUS", "AGE"], "web-7d");
    let mut numbers = String::new();
    for row in 0..40 {
        writeln!(numbers, "{:12}{:12}.5{:9}", row * 7, row * row, -row).unwrap();
    }
    check(&numbers, r"\s+", &["", "", ""], "           0");
    let with_header = format!("{:>12}{:>14}{:>9}\n{numbers}", "time", "u", "v");
    check(&with_header, r"\s+", &["time", "u", "v"], "           0");
    // R and pandas print a table so, with the rows' names in front.
    let printed = "   x       y name\n1  1  0.5377 foo\n2  2 -1.8339 bar\n3 10  2.2588 baz\n";
    check(printed, r"\s+", &["", "x", "y", "name"], "1  1");
    // Two spaces here and there make no columns.
    let people = "name\nJohn  Smith\nMary  Jane\nPeter  Pan\n";
    assert_eq!(find(people).header, ["name"]);
    let prose = "It was the best of times.  It was the worst.\nWe had everything.  We had nothing at all.\nAnd so on.\n";
    assert_eq!(find(prose).columns(), 1);
    check(
        "id,  name,   qty\n1,  foo,   3\n2,  bar baz,   4\n",
        ",",
        &["id", "  name", "   qty"],
        "1,  foo",
    );
}

#[test]
fn a_line_behind_a_mark_names_columns_if_it_has_one_for_each() {
    let numbers = "0.1 0.2 0.3\n0.4 0.5 0.6\n";
    check(
        &format!("% matlab output\n% x y z\n{numbers}"),
        " ",
        &["x", "y", "z"],
        "0.1",
    );
    check(&format!("# made today\n{numbers}"), " ", &["", "", ""], "0.1");
    check(&format!("# x y z\n{numbers}"), " ", &["x", "y", "z"], "0.1");
    // In other tables it is a name.
    check(
        "#,Date,Temp\n1,2021-01-02,4.5\n2,2021-01-03,5.5\n",
        ",",
        &["#", "Date", "Temp"],
        "1,2021",
    );
}

#[test]
fn a_sample_sheet_begins_behind_its_sections() {
    let sections = "[Header],,,\nVersion,4,,\nDate,3/2/2021,,\n,,,\n[Reads],,,\n151,,,\n,,,\n[Data],,,\n";
    let rows = "Sample_ID,Sample_Name,index,Project\nS0,one,ACGT,P\nS1,two,TGCA,P\n";
    let dialect = check(
        &format!("{sections}{rows}"),
        ",",
        &["Sample_ID", "Sample_Name", "index", "Project"],
        "S0,one",
    );
    assert_eq!(dialect.preamble_lines, 8);
}

#[test]
fn a_header_above_aligned_columns_names_those_it_stands_above() {
    // pandas prints the rows' names in front, and what these are called beneath the columns' names.
    for rows in [
        "0   Ann    30\n1   Bob    41\n2   Cid    22\n",
        "r   Ann    30\ns   Bob    41\nt   Cid    22\n",
    ] {
        check(
            &format!("   name   age\n{rows}"),
            r"\s+",
            &["", "name", "age"],
            rows,
        );
    }
    let printed = "        x   y\nkey          \nann    0   0\nbob    1   1\ncid    2   2\n";
    check(printed, r"\s+", &["key", "x", "y"], "ann ");
    let disks = "Filesystem     1K-blocks     Used Use% Mounted on\n/dev/sda1      102687672 37224320  38% /\ntmpfs           12303252        0   0% /dev/shm\n";
    check(
        disks,
        r"\s+",
        &["Filesystem", "1K-blocks", "Used", "Use%", "Mounted on"],
        "/dev/sda1",
    );
    let sockets = "Proto Recv-Q Local Address           Foreign Address         State\ntcp        0 0.0.0.0:22              0.0.0.0:*               LISTEN\ntcp        0 127.0.0.1:631           0.0.0.0:*               LISTEN\ntcp6       0 :::22                   :::*                    LISTEN\n";
    check(
        sockets,
        r"\s+",
        &["Proto", "Recv-Q", "Local Address", "Foreign Address", "State"],
        "tcp ",
    );
    let people = "First Name   Age\nAnn          12\nBob          13\nCid          14\n";
    check(people, r"\s+", &["First Name", "Age"], "Ann ");
    let titled =
        "Monthly Report for 2024\nNAME      AGE   CITY\nann       12    rome\nbob       13    oslo\n";
    check(titled, r"\s+", &["NAME", "AGE", "CITY"], "ann");
    check(
        "date        time   temp\n2024-01-01  12:00  12.5\n2024-01-01  13:00  13.5\n",
        r"\s+",
        &["date", "time", "temp"],
        "2024",
    );
    check("a    b\n1.0  2.0\n3.0  4.0\n", r"\s+", &["a", "b"], "1.0");
    check(
        "     a    b\n0  1.0  2.0\n1  3.0  4.0\n2  5.0  6.0\n",
        r"\s+",
        &["", "a", "b"],
        "0  1.0",
    );
}

#[test]
fn what_is_not_aligned_throughout_is_not_taken_apart() {
    for text in [
        // A blank cell, and one of two words.
        "NAME      AGE   CITY\nann       12    rome\nbob             paris city\ncid       13    oslo\ndan       14    kyiv\n",
        "name      first      last\nann       12         \nbob       13         5\ncid       14         6\n          15         7\n",
        "The cat sat on it.  It purred.\nThe dog ran to me.  It barked.\n",
        "Q1  What is x?\nQ2  What is y?\nQ3  What is z?\n",
        "CONTAINER ID   IMAGE          CREATED       STATUS\n0123456789ab   ubuntu:22.04   2 weeks ago   Up 3 days\n123456789abc   nginx          3 hours ago   Up 2 hours\n",
    ] {
        assert_ne!(find(text).delimiter, r"\s+", "{text:?}");
    }
}
