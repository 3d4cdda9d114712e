//! Hand-made samples of each family of formats, and what must not be taken for one.

use std::io::Write;

use flate2::{Compression as Level, write::GzEncoder};
use ruzstd::encoding::{CompressionLevel, compress_to_vec};

use crate::{Compression, Encoding, Identified, Kind, SAMPLE_BYTES, Sample, identify};

pub(crate) fn of(bytes: &[u8], name: &str) -> Identified {
    identify(Sample {
        head: bytes,
        size_bytes: bytes.len() as u64,
        name,
    })
}

/// `kind/format`, without a name to go by.
pub(crate) fn said(bytes: &[u8]) -> String {
    said_of(bytes, "")
}

pub(crate) fn said_of(bytes: &[u8], name: &str) -> String {
    let identified = of(bytes, name);
    format!(
        "{}/{}",
        identified.kind.map_or("-", Kind::as_str),
        identified.format
    )
}

#[track_caller]
fn check(text: &str, expected: &str) {
    assert_eq!(said(text.as_bytes()), expected, "{text}");
}

pub(crate) fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Level::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

pub(crate) fn zstd(bytes: &[u8]) -> Vec<u8> {
    compress_to_vec(bytes, CompressionLevel::Fastest)
}

/// A ustar archive of one entry.
pub(crate) fn tar(name: &str, content: &[u8]) -> Vec<u8> {
    let mut header = vec![0; 512];
    header[..name.len()].copy_from_slice(name.as_bytes());
    header[100..108].copy_from_slice(b"0000644\0");
    header[124..136].copy_from_slice(format!("{:011o}\0", content.len()).as_bytes());
    header[148..156].copy_from_slice(b"        ");
    header[156] = b'0';
    header[257..263].copy_from_slice(b"ustar\0");
    let sum: u32 = header.iter().map(|byte| u32::from(*byte)).sum();
    header[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
    header.extend_from_slice(content);
    header.resize(header.len().next_multiple_of(512) + 1024, 0);
    header
}

#[test]
fn tables_in_every_dialect() {
    check("id,name,price\n1,Ann,2.50\n2,Bob,3.75\n", "tables/csv");
    check("id\tname\n1\tAnn Lee\n2\tBob\n", "tables/tsv");
    check(
        "Jahr;Ort;Betrag\n2020;Köln;1.234,50\n2021;Bonn;99,00\n",
        "tables/csv",
    );
    check("a|b|c\n1|2|3\n4|5|6\n", "tables/csv");
    check("1\u{1}ann\u{1}2020\n2\u{1}bob\u{1}2021\n", "tables/csv");
    check(
        "\"id\",\"text\"\n\"1\",\"a long sentence, with commas, and\na line end\"\n\"2\",\"another\"\n",
        "tables/csv",
    );
    check(
        "1::Toy Story (1995)::Animation\n2::Jumanji (1995)::Adventure\n3::Heat (1995)::Action\n",
        "tables/csv",
    );
    check("x y z\n1.0 2.0 3.0\n4.0 5.0 6.0\n7.0 8.0 9.0\n", "tables/csv");
    check(
        "# made by a tool\n# version 2\nts,val\n1,2\n2,3\n3,4\n",
        "tables/csv",
    );
    check("sep=;\na;b\n1;2\n3;4\n", "tables/csv");
    // Rows of text; a header alone; one row.
    check(
        "id,review\n1,I liked the room and the staff was kind to us\n2,Never again will I go to this place\n",
        "tables/csv",
    );
    check("foo,bar,baz", "tables/csv");
    check("2024-01-01,12,13\n", "tables/csv");
    check(
        "timestamp,value\n2024-01-01 00:00:00,1.5\n2024-01-01 00:01:00,1.6\n",
        "tables/csv",
    );
    check("temperature\n1.5\n2.5\n3.0\n2.9\n", "tables/csv");
}

#[test]
fn tables_that_begin_and_end_with_something_else() {
    let rows = "2019,\"Total, all\",1 234,5\n2020,\"Total, all\",2 345,6\n".repeat(8);
    check(
        &format!(
            "Population by municipality\nSource: Statistics Office\n\nYear,Group,Number,Share\n{rows}\nNote: figures are provisional.\n"
        ),
        "tables/csv",
    );
    let rows = "Musterstraße;12;50667;\"Köln\";50,9375\n".repeat(10);
    let text = format!("Stand: 01.01.2024;;;;\nStraße;Nr;PLZ;Ort;Breite\n{rows}");
    check(&text, "tables/csv");
    let latin_1: Vec<u8> = text.chars().map(|char| u8::try_from(char).unwrap()).collect();
    let identified = of(&latin_1, "");
    assert_eq!(
        (identified.kind, identified.encoding),
        (Some(Kind::Tables), Some(Encoding::Windows1252))
    );
    assert_eq!(identified.delimiter, Some(';'));
    assert_eq!(
        identified.looks_like,
        "CSV delimited by semicolons, in Windows-1252 or a similar encoding"
    );
    for (mark, unit) in [
        (&b"\xFF\xFE"[..], u16::to_le_bytes as fn(u16) -> [u8; 2]),
        (b"\xFE\xFF", u16::to_be_bytes),
    ] {
        for mark in [mark, b""] {
            let bytes: Vec<u8> = mark
                .iter()
                .copied()
                .chain(text.encode_utf16().flat_map(unit))
                .collect();
            assert_eq!(said(&bytes), "tables/csv");
        }
    }
    assert_eq!(said(text.replace('\n', "\r\n").as_bytes()), "tables/csv");
    assert_eq!(said(text.replace('\n', "\r").as_bytes()), "tables/csv");
}

#[test]
fn json_is_a_table_if_it_is_records() {
    check("{\"a\":1,\"b\":\"x\"}\n{\"a\":2,\"b\":\"y\"}\n", "tables/jsonl");
    check("{\"a\":1}\nnot json\n{\"a\":2}\n{\"a\":3}\n", "tables/jsonl");
    check("[{\"a\":1},{\"a\":2}]", "tables/json");
    check("[\n  {\n    \"a\": 1\n  }\n]\n", "tables/json");
    check("[1,2,3]", "-/json");
    check("{\n  \"a\": 1\n}\n", "-/json");
    check("{\"type\":\"FeatureCollection\",\"features\":[]}", "-/json");
    check("{\"a\":1,}", "-/json");
    assert_eq!(said_of(b"{\"a\":1}\n", "one.jsonl"), "tables/jsonl");
    assert_eq!(said_of(b"{\"a\":1}\n", "one.json"), "-/json");
    let cut = "[".to_owned() + &"{\"a\":1,\"b\":[1,2,{\"c\":null}]},".repeat(9000);
    let sample = Sample {
        head: &cut.as_bytes()[..SAMPLE_BYTES],
        size_bytes: 1 << 30,
        name: "",
    };
    assert_eq!(identify(sample).kind, Some(Kind::Tables));
}

pub(crate) const COMBINED: &str = "203.0.113.9 - - [10/Oct/2024:13:55:36 +0000] \"GET /a?b=c HTTP/1.1\" 200 2326 \"https://example.com/\" \"Mozilla/5.0 (X11; Linux)\"\n";
const COMMON: &str =
    "203.0.113.9 - frank lee [10/Oct/2000:13:55:36 -0700] \"GET /apache_pb.gif HTTP/1.0\" 200 2326\n";
const ALB: &str = "https 2018-07-02T22:23:00.186641Z app/my-loadbalancer/50dc6c495c0c9188 192.168.131.39:2817 10.0.0.1:80 0.086 0.048 0.037 200 200 0 57 \"GET https://www.example.com:443/ HTTP/1.1\" \"curl/7.46.0\" ECDHE-RSA-AES128-GCM-SHA256 TLSv1.2 arn:aws:elasticloadbalancing:us-east-2:123456789012:targetgroup/my-targets/73e2d6bc24d8a067 \"Root=1-58337281-1d84f3d73c47ec4e58577259\" \"www.example.com\" \"arn:aws:acm:us-east-2:123456789012:certificate/12345678-1234-1234-1234-123456789012\" 1 2018-07-02T22:22:48.364000Z \"authenticate,forward\" \"-\" \"-\" \"10.0.0.1:80\" \"200\" \"-\" \"-\" TID_1234\n";
const ELB: &str = "2015-05-13T23:39:43.945958Z my-loadbalancer 192.168.131.39:2817 10.0.0.1:80 0.000073 0.001048 0.000057 200 200 0 29 \"GET http://www.example.com:80/ HTTP/1.1\" \"curl/7.38.0\" - -\n";
const VPC: &str = "2 123456789010 eni-1235b8ca123456789 172.31.16.139 172.31.16.21 20641 22 6 20 4249 1418530010 1418530070 ACCEPT OK\n";

#[test]
fn access_logs_by_their_lines() {
    check(COMBINED, "logs/combined");
    check(COMMON, "logs/common");
    check(&format!("www.example.com:443 {COMBINED}"), "logs/vhost_combined");
    check(
        &COMBINED
            .replace('\n', " \"-\" rt=0.005 uct=\"0.000\"\n")
            .repeat(3),
        "logs/combined",
    );
    check(&COMBINED.replace("203.0.113.9", "2001:db8::1"), "logs/combined");
    check(
        &COMBINED.replace("GET /a?b=c HTTP/1.1", "\\x16\\x03\\x01 \\\"x\\\""),
        "logs/combined",
    );
    check(
        &COMBINED.replace("10/Oct/2024:13:55:36 +0000", "2024-10-10T13:55:36+00:00"),
        "logs/combined",
    );
    check(&COMBINED.replace("GET /a?b=c HTTP/1.1", ""), "logs/combined");
    check(ALB, "logs/alb");
    check(ELB, "logs/elb");
    check(VPC, "logs/vpc_flow");
    check(
        &format!(
            "version account-id interface-id srcaddr dstaddr srcport dstport protocol packets bytes start end action log-status\n{VPC}"
        ),
        "logs/vpc_flow",
    );
    check(
        "#Software: Microsoft Internet Information Services 10.0\n#Version: 1.0\n#Date: 2024-01-01 00:00:00\n#Fields: date time s-ip cs-method cs-uri-stem sc-status\n2024-01-01 00:00:01 10.0.0.1 GET / 200\n",
        "logs/w3c",
    );
    check(
        "#Version: 1.0\n#Fields: date time x-edge-location sc-bytes c-ip cs-method cs(Host)\n2019-12-04\t21:02:31\tLAX1\t392\t192.0.2.100\tGET\td1.cloudfront.net\n",
        "logs/cloudfront",
    );
    check(
        "79a59df900b949e55d96a1e698fbaced mybucket [06/Feb/2019:00:00:38 +0000] 192.0.2.3 79a59df900b949e55d96a1e698fbaced 3E57427F3EXAMPLE REST.GET.VERSIONING - \"GET /mybucket?versioning HTTP/1.1\" 200 - 113 - 7 - \"-\" \"S3Console/0.4\" - s9lzHYrFp76ZVxRcpX9+ SigV2\n",
        "logs/s3",
    );
    check(
        "1066036250.129      1 127.0.0.1 TCP_HIT/200 345 GET http://localhost/ - NONE/- text/html\n",
        "logs/squid",
    );
}

#[test]
fn access_logs_of_json_lines() {
    let caddy = r#"{"level":"info","ts":1646861401.5,"logger":"http.log.access","msg":"handled request","request":{"remote_ip":"127.0.0.1","method":"GET","host":"localhost","uri":"/","headers":{}},"duration":0.0009,"size":10900,"status":200}"#;
    let traefik = r#"{"ClientAddr":"10.0.0.1:5","ClientHost":"10.0.0.1","DownstreamStatus":200,"RequestMethod":"GET","RequestPath":"/","Duration":12}"#;
    let nginx = r#"{"time_local":"10/Oct/2024:13:55:36 +0000","remote_addr":"1.2.3.4","request":"GET / HTTP/1.1","status":"200","body_bytes_sent":"12"}"#;
    let cloudflare = r#"{"ClientIP":"1.2.3.4","ClientRequestHost":"e.com","ClientRequestMethod":"GET","ClientRequestURI":"/","EdgeResponseStatus":200}"#;
    let google = r#"{"httpRequest":{"requestMethod":"GET","requestUrl":"https://e.com/","status":200,"remoteIp":"1.2.3.4"},"severity":"INFO"}"#;
    for record in [caddy, traefik, nginx, cloudflare, google] {
        check(&format!("{record}\n{record}\n"), "logs/json_lines");
        check(record, "logs/json_lines");
    }
    check(
        "{\"order\":1,\"status\":\"paid\",\"ip\":\"1.2.3.4\"}\n{\"order\":2,\"status\":\"open\",\"ip\":\"1.2.3.4\"}\n",
        "tables/jsonl",
    );
}

#[test]
fn a_log_may_have_lines_that_are_none() {
    check(
        &format!("{COMBINED}garbage\n{COMBINED}\n\n{COMBINED}"),
        "logs/combined",
    );
    check(&format!("{COMBINED}{}", "no access log\n".repeat(5)), "-/text");
}

#[test]
fn text_that_no_function_takes_is_named() {
    check(
        "2024-11-21 06:59:01 status installed libc6:amd64 2.36\n2024-11-21 06:59:02 status installed zip:amd64 3.0\n",
        "-/log",
    );
    check("<!DOCTYPE html>\n<html><body>a,b\n1,2</body></html>", "-/html");
    check("<?xml version=\"1.0\"?>\n<rows><row a=\"1\"/></rows>", "-/xml");
    check(
        "<?xml version=\"1.0\"?>\n<!-- x -->\n<svg xmlns=\"http://www.w3.org/2000/svg\"/>",
        "images/svg",
    );
    check("#!/bin/sh\necho a,b,c\n", "-/script");
    check(
        "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n",
        "-/pem",
    );
    check(
        "# Title\n\nSome text, with commas, here.\n\n- one\n- two\n",
        "-/markdown",
    );
    check("| a | b |\n|---|---|\n| 1 | 2 |\n| 3 | 4 |\n", "-/markdown");
    check("name: x\nversion: 1\ndeps:\n  - a: 1\n  - b: 2\n", "-/config");
    check("[package]\nname = \"x\"\nversion = \"1\"\n", "-/config");
    check(
        "fn main() {\n    let x = f(1, 2, 3);\n    println!(\"{x}\");\n}\n",
        "-/code",
    );
    check(
        "INSERT INTO t (a, b) VALUES\n(1,'x'),\n(2,'y'),\n(3,'z');\n",
        "-/code",
    );
    check(
        "static const int t[] = {\n  1, 2, 3, 4,\n  5, 6, 7, 8,\n  9, 1, 2, 3,\n};\n",
        "-/code",
    );
    check(
        "Dear Sir, I am writing to you, as I said,\nto tell you, with regret, that we are closed.\nYours, Ann\n",
        "-/text",
    );
    check("Hello, world\n", "-/text");
    check(
        "Jan  2 12:00:00 host sshd[1]: Accepted password for ann from 10.0.0.1 port 5, ok\nJan  2 12:00:01 host sshd[1]: session opened for user ann, by root\n",
        "-/log",
    );
    check(
        "2024-01-01 12:00:00,123 INFO main: started, 3 workers\n2024-01-01 12:00:01,456 WARN main: slow, 9 s\n",
        "-/log",
    );
    check(
        "2024/01/31 12:00:00 [error] 5#5: *1 open() \"/x\" failed (2: No such file), client: 1.2.3.4, server: x\n",
        "-/log",
    );
    check("%PDF-1.4\n1 0 obj\n", "-/pdf");
    check("{\\rtf1\\ansi hello}", "-/rtf");
}

#[test]
fn a_name_decides_only_what_the_bytes_leave_open() {
    assert_eq!(said_of(b"name\nann\nbob\n", "names.csv"), "tables/csv");
    assert_eq!(said_of(b"name\nann\nbob\n", "names"), "-/text");
    assert!(of(b"name\nann\nbob\n", "names.csv").confidence <= 0.5);
    assert_eq!(said_of(b"<html><body></body></html>", "data.csv"), "-/html");
    assert_eq!(
        said_of(b"\x89PNG\r\n\x1A\n\0\0\0\rIHDR", "data.csv"),
        "images/png"
    );
    assert_eq!(said_of(COMBINED.as_bytes(), "data.csv"), "logs/combined");
    assert_eq!(said_of(b"ORC,PAR1\n1,2\n3,4\n", ""), "tables/csv");
    assert_eq!(said_of(b"BMI,GIF8\n1,2\n3,4\n", ""), "tables/csv");
    assert_eq!(
        said_of(b"BZh91AY&SY\x01\x02\x03\x04", "src.tar.bz2"),
        "audit/tar.bz2"
    );
    assert_eq!(of(b"BZh91AY&SY\x01\x02\x03\x04", "src.bz2").kind, None);
}

#[test]
fn images_and_archives_by_their_first_structure() {
    let mut bmp = b"BM\x46\0\0\0\0\0\0\0\x36\0\0\0\x28\0\0\0".to_vec();
    assert_eq!(said(&bmp), "images/bmp");
    bmp[14] = 99;
    assert_eq!(of(&bmp, "").kind, None);
    assert_eq!(said(b"\xFF\xD8\xFF\xE0\0\x10JFIF"), "images/jpeg");
    assert_eq!(said(b"\0\0\0\x1Cftypavif\0\0\0\0avifmif1"), "images/avif");
    assert_eq!(said(b"\0\0\0\x18ftypheic\0\0\0\0heicmif1"), "images/heic");
    assert_eq!(said(b"\xFF\x0A\0\0\0\0"), "images/jxl");
    assert_eq!(said(&tar("src/main.rs", b"fn main() {}")), "audit/tar");
    let mut damaged = tar("src/main.rs", b"fn main() {}");
    damaged[0] ^= 0xFF;
    assert_eq!(said(&damaged), "audit/tar");
    assert!(of(&damaged, "").confidence < 0.8);
    let entry = |name: &str| {
        let mut header = b"PK\x03\x04\x14\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0".to_vec();
        header.extend(u16::try_from(name.len()).unwrap().to_le_bytes());
        header.extend([0, 0]);
        header.extend_from_slice(name.as_bytes());
        header
    };
    for (names, expected) in [
        (&["src/lib.rs", "Cargo.toml"][..], "audit/zip"),
        (
            &["[Content_Types].xml", "_rels/.rels", "xl/workbook.xml"],
            "-/xlsx",
        ),
        (&["[Content_Types].xml", "word/document.xml"], "-/docx"),
        (&["_rels/.rels", "x.nuspec", "[Content_Types].xml"], "audit/nupkg"),
        (&["META-INF/MANIFEST.MF", "a/B.class"], "audit/jar"),
        (&["META-INF/MANIFEST.MF", "WEB-INF/web.xml"], "audit/war"),
        (&["pkg/__init__.py", "pkg-1.dist-info/WHEEL"], "audit/whl"),
        (&["AndroidManifest.xml", "classes.dex"], "audit/apk"),
        (
            &["mimetypeapplication/epub+zip", "META-INF/container.xml"],
            "-/epub",
        ),
    ] {
        let zip: Vec<u8> = names.iter().flat_map(|name| entry(name)).collect();
        assert_eq!(said(&zip), expected, "{names:?}");
    }
    assert_eq!(said(b"7z\xBC\xAF\x27\x1C\0\x04"), "-/7z");
    assert_eq!(said(b"\x7FELF\x02\x01\x01\0\0\0\0\0"), "-/elf");
}

#[test]
fn what_is_compressed_is_what_is_inside() {
    for (compress, compression) in [
        (gzip as fn(&[u8]) -> Vec<u8>, Compression::Gzip),
        (zstd, Compression::Zstd),
    ] {
        for (content, expected) in [
            (b"a,b\n1,2\n3,4\n".to_vec(), "tables/csv"),
            (COMBINED.repeat(2000).into_bytes(), "logs/combined"),
            (ALB.repeat(2000).into_bytes(), "logs/alb"),
            (b"{\"a\":1}\n{\"a\":2}\n".to_vec(), "tables/jsonl"),
            (tar("a.py", &b"import os\n".repeat(10_000)), "audit/tar"),
            (b"\x89PNG\r\n\x1A\n\0\0\0\rIHDR".to_vec(), "-/png"),
            (b"It was a dark and stormy night, and so on.\n".to_vec(), "-/text"),
        ] {
            let bytes = compress(&content);
            assert_eq!(said(&bytes), expected);
            assert_eq!(of(&bytes, "").compression, Some(compression));
            // The first part of a file that goes on says the same.
            if bytes.len() > 600 {
                let cut = Sample {
                    head: &bytes[..bytes.len() * 3 / 4],
                    size_bytes: bytes.len() as u64,
                    name: "",
                };
                assert_eq!(
                    identify(cut).kind,
                    of(&bytes, "").kind,
                    "{expected} by {compression}"
                );
            }
        }
        let nothing = of(&compress(b""), "");
        assert_eq!(
            (nothing.kind, nothing.format.as_ref()),
            (None, compression.as_str())
        );
        // A compression within a compression is nothing that is unloaded.
        assert_eq!(of(&compress(&compress(b"a,b\n1,2\n")), "").kind, None);
    }
    assert_eq!(of(&gzip(b"a\tb\n1\t2\n"), "").media_type, "application/gzip");
    assert_eq!(
        of(&gzip(b"a\tb\n1\t2\n"), "").content_media_type,
        "text/tab-separated-values"
    );
}

#[test]
fn a_bomb_is_looked_at_no_further_than_the_sample() {
    let zeros = vec![0; 200 << 20];
    let bomb = gzip(&zeros);
    let identified = of(&bomb, "");
    assert_eq!(
        (identified.kind, identified.compression),
        (None, Some(Compression::Gzip))
    );
    assert_eq!(of(&zstd(&zeros[..8 << 20]), "").kind, None);
    // Four bytes for each 128 KiB: five gigabytes in a sample.
    let mut blocks = b"\x28\xB5\x2F\xFD\x00\x88".to_vec();
    for _ in 0..40_000 {
        let header = ((128_u32 << 10) << 3) | (1 << 1);
        blocks.extend_from_slice(&header.to_le_bytes()[..3]);
        blocks.push(b'a');
    }
    let identified = of(&blocks, "");
    assert_eq!(
        (
            identified.kind,
            identified.compression,
            identified.format.as_ref()
        ),
        (None, Some(Compression::Zstd), "text")
    );
}

#[test]
fn a_sample_is_cut_within_a_line() {
    let text = "id;name;note\n".to_owned() + &"1;Ann;\"a; b\"\n".repeat(20_000);
    for cut in [1000, 1001, 1005, 1007, SAMPLE_BYTES] {
        let identified = identify(Sample {
            head: &text.as_bytes()[..cut],
            size_bytes: text.len() as u64,
            name: "",
        });
        assert_eq!(
            (identified.kind, identified.delimiter),
            (Some(Kind::Tables), Some(';')),
            "{cut}"
        );
        assert!(identified.confidence > 0.9, "{cut}: {}", identified.confidence);
    }
}
