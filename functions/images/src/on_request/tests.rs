//! Requests against stores in memory.

use std::io::Cursor;

use bytes::Bytes;
use http::{Request, Response, StatusCode, header};
use http_body_util::BodyExt as _;
use image_webp::WebPDecoder;
use lambda_http::RequestExt as _;
use shared::{
    Processor as _,
    catalogue::{FileRecord, Sequencer, Status, Upload},
    image_url::{SignedImage, UrlKey},
    keys::{FileId, FileRef, Owner},
    limits::Limits,
    store::{
        Catalogue as _, Location, Objects as _,
        memory::{MemoryCatalogue, MemoryObjects},
    },
    time::UnixMillis,
};

use super::{answer::Body, serve::Service};
use crate::Images;

/// A service that knows one picture, and what it is called.
async fn service(picture: Vec<u8>) -> (Service<MemoryObjects, MemoryCatalogue>, FileRef) {
    let file = FileRef {
        owner: Owner::new("ann").unwrap(),
        id: FileId::generate(UnixMillis::now()),
    };
    let (objects, catalogue) = (MemoryObjects::default(), MemoryCatalogue::default());
    let at = Location::new("uploads", "picture");
    let size_bytes = picture.len() as u64;
    objects.put(&at, "image/gif", Bytes::from(picture)).await.unwrap();
    let mut record = FileRecord::announced(
        file.clone(),
        Images::NAME,
        "picture.gif",
        ("uploads", "picture"),
        UnixMillis::now(),
    );
    record.status = Status::Done;
    record.upload = Some(Upload {
        size_bytes,
        etag: objects.etag(&at).unwrap(),
        sequencer: Sequencer::new("1"),
    });
    catalogue.create(&record).await.unwrap();
    let service = Service {
        objects,
        catalogue,
        results_bucket: "results".to_owned(),
        key: UrlKey::new("a key of thirty-two letters or so"),
        limits: Limits::default(),
        decoded_bytes: 64 << 20,
    };
    (service, file)
}

impl Service<MemoryObjects, MemoryCatalogue> {
    async fn ask(&self, file: &FileRef, query: &[(&str, &str)], accept: &str) -> Response<Body> {
        let pairs = query.iter();
        let signed = self.key.sign(&SignedImage {
            file: file.clone(),
            query: pairs
                .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
                .collect(),
            expires_at: UnixMillis::now().as_seconds() + 600,
        });
        let path = signed.split_once('?').unwrap().0.to_owned();
        let request = Request::get(format!("https://pictures.example/{signed}"))
            .header(header::ACCEPT, accept)
            .body(lambda_http::Body::Empty)
            .unwrap();
        self.answer(request.with_raw_http_path(format!("/{path}"))).await
    }
}

async fn body(response: Response<Body>) -> Bytes {
    response.into_body().collect().await.unwrap().to_bytes()
}

fn gif(frames: u8) -> Vec<u8> {
    let palette = [255, 0, 0, 0, 0, 255];
    let mut encoder = gif::Encoder::new(Vec::new(), 20, 10, &palette).unwrap();
    encoder.set_repeat(gif::Repeat::Infinite).unwrap();
    for number in 0..frames {
        let frame = gif::Frame {
            width: 20,
            height: 10,
            buffer: vec![number % 2; 200].into(),
            delay: 7,
            ..gif::Frame::default()
        };
        encoder.write_frame(&frame).unwrap();
    }
    encoder.into_inner().unwrap()
}

#[tokio::test]
async fn an_animation_is_rendered_whole_on_request_and_kept() {
    let (service, file) = service(gif(4)).await;
    let query = [("w", "10"), ("animated", "true")];
    let response = service.ask(&file, &query, "image/webp").await;
    assert_eq!(response.status(), StatusCode::OK);
    assert_eq!(response.headers()[header::CONTENT_TYPE], "image/webp");
    let first = body(response).await;
    let mut decoder = WebPDecoder::new(Cursor::new(&first)).unwrap();
    assert_eq!((decoder.dimensions(), decoder.num_frames()), ((10, 5), 4));
    assert_eq!(decoder.loop_duration(), 4 * 70);
    let mut pixels = vec![0; decoder.output_buffer_size().unwrap()];
    for number in 0..4 {
        assert_eq!(decoder.read_frame(&mut pixels).unwrap(), 70);
        let is_blue = pixels[2] > 200 && pixels[0] < 50;
        assert_eq!(is_blue, number % 2 == 1, "frame {number}");
    }
    // The upload is gone, what was rendered is not.
    service
        .objects
        .delete(&Location::new("uploads", "picture"))
        .await
        .unwrap();
    assert_eq!(body(service.ask(&file, &query, "image/webp").await).await, first);
    let still = service.ask(&file, &[("w", "10")], "image/webp").await;
    assert_ne!(still.status(), StatusCode::OK);
}

#[tokio::test]
async fn without_being_asked_for_all_frames_the_first_is_given() {
    let (service, file) = service(gif(3)).await;
    let still = body(service.ask(&file, &[("w", "10")], "image/webp").await).await;
    assert!(!WebPDecoder::new(Cursor::new(&still)).unwrap().is_animated());
    let refused = service
        .ask(&file, &[("w", "10"), ("animated", "true")], "image/jpeg")
        .await;
    assert_eq!(refused.status(), StatusCode::NOT_ACCEPTABLE);
}
