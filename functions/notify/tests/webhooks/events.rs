//! The events in `events/`, as Lambda and `sam local invoke` send them.

use notify::{
    change::{self, News},
    delivery::Delivery,
    event::{self, Incoming},
    notice::Notice,
};

fn event(text: &str) -> Incoming {
    event::decode(serde_json::from_str(text).unwrap()).unwrap()
}

#[test]
fn the_streams_event_leads_to_the_delivery_of_the_queues() {
    let Incoming::Changes(changes) = event(include_str!("../../../../events/dynamodb-stream-done.json"))
    else {
        panic!("changes of the table");
    };
    let [change] = changes.as_slice() else {
        panic!("one change");
    };
    let News::Ended(record) = change::read(change.as_ref().unwrap(), 3).unwrap() else {
        panic!("the file is done");
    };
    let notice = Notice::of(*record).unwrap();

    let Incoming::Messages(messages) = event(include_str!("../../../../events/sqs-delivery.json")) else {
        panic!("messages of the queue");
    };
    let [message] = messages.as_slice() else {
        panic!("one message");
    };
    let delivery: Delivery = serde_json::from_str(&message.body).unwrap();
    assert_eq!(Delivery::new(&notice, delivery.endpoint_id), delivery);
    assert_eq!(message.receive_count, 1);
}
