//! Streams of tables, as the event source mappings of the local stack read them. Clients read them through the
//! same operations as on AWS.

use std::path::Path;
use std::time::Duration;

use dynoxide::streams;
use serde_json::{Value, json};

use super::{Error, Server};

/// A stream keeps its records that long.
const RETENTION: Duration = Duration::from_hours(24);

/// The one shard of a table's stream.
pub(crate) fn shard_id(table: &str) -> String {
    streams::shard_id(table)
}

/// Makes the stream records of a closed database fast to find, and drops those past their retention: `dynoxide`
/// keeps all of them, and without an index each write would look at each of them.
pub(super) fn prepare(path: &Path) -> Result<(), rusqlite::Error> {
    let connection = rusqlite::Connection::open(path)?;
    // As its queries have the expression: SQLite takes an index on an expression for the very same one only.
    connection.execute_batch(
        "CREATE INDEX IF NOT EXISTS stream_records_in_order
             ON _stream_records (table_name, CAST(sequence_number AS INTEGER));",
    )?;
    let retention = i64::try_from(RETENTION.as_secs()).unwrap_or(i64::MAX);
    let oldest = jiff::Timestamp::now().as_second().saturating_sub(retention);
    connection.execute("DELETE FROM _stream_records WHERE created_at < ?1", [oldest])?;
    Ok(())
}

impl Server {
    /// Records of a table's stream in their order, in the shape of `GetRecords`, from the first one after that
    /// sequence number. Blocks.
    pub(crate) fn stream_records(
        &self,
        table: &str,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Vec<Value>, Error> {
        let mut request = json!({
            // Of an ARN only the table counts here.
            "StreamArn": streams::stream_arn(table, "local"),
            "ShardId": shard_id(table),
            "ShardIteratorType": "TRIM_HORIZON",
        });
        if let (Some(after), Some(map)) = (after, request.as_object_mut()) {
            map.insert("ShardIteratorType".to_owned(), json!("AFTER_SEQUENCE_NUMBER"));
            map.insert("SequenceNumber".to_owned(), json!(after));
        }
        let iterator = self
            .database
            .get_shard_iterator(serde_json::from_value(request)?)?
            .shard_iterator;
        let request = json!({"ShardIterator": iterator, "Limit": limit});
        let page = self.database.get_records(serde_json::from_value(request)?)?;
        let records = page.records.iter().map(serde_json::to_value);
        Ok(records.collect::<Result<_, _>>()?)
    }

    /// The sequence number of the latest record; `None` for an empty stream. Blocks.
    pub(crate) fn last_sequence_number(&self, table: &str) -> Result<Option<String>, Error> {
        let request = json!({"StreamArn": streams::stream_arn(table, "local")});
        let described = self.database.describe_stream(serde_json::from_value(request)?)?;
        let shard = described.stream_description.shards.into_iter().next();
        Ok(shard.and_then(|shard| shard.sequence_number_range.ending_sequence_number))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request<T: serde::de::DeserializeOwned>(value: Value) -> T {
        serde_json::from_value(value).unwrap()
    }

    fn put(server: &Server, pk: &str, n: i64) {
        let item = json!({"pk": {"S": pk}, "n": {"N": n.to_string()}});
        server
            .database
            .put_item(request(json!({"TableName": "changes", "Item": item})))
            .unwrap();
    }

    fn names(records: &[Value]) -> Vec<&str> {
        records
            .iter()
            .map(|record| record["eventName"].as_str().unwrap())
            .collect()
    }

    fn table(stream: bool) -> Value {
        let mut table = json!({
            "TableName": "changes",
            "BillingMode": "PAY_PER_REQUEST",
            "AttributeDefinitions": [{"AttributeName": "pk", "AttributeType": "S"}],
            "KeySchema": [{"AttributeName": "pk", "KeyType": "HASH"}],
            "TimeToLiveSpecification": {"AttributeName": "ttl", "Enabled": true},
        });
        if stream {
            table["StreamSpecification"] =
                json!({"StreamEnabled": true, "StreamViewType": "NEW_AND_OLD_IMAGES"});
        }
        table
    }

    #[test]
    fn every_way_to_write_leaves_a_record() {
        let server = Server::open(None).unwrap();
        server.ensure_table(&table(true)).unwrap();
        assert_eq!(server.last_sequence_number("changes").unwrap(), None);
        put(&server, "put", 1);
        let update = json!({"TableName": "changes", "Key": {"pk": {"S": "put"}},
            "UpdateExpression": "SET n = :n", "ExpressionAttributeValues": {":n": {"N": "2"}}});
        server.database.update_item(request(update)).unwrap();
        let transaction = json!({"TransactItems": [
            {"Put": {"TableName": "changes", "Item": {"pk": {"S": "a"}}}},
            {"Delete": {"TableName": "changes", "Key": {"pk": {"S": "put"}}}},
            {"Update": {"TableName": "changes", "Key": {"pk": {"S": "b"}}, "UpdateExpression": "SET n = :n",
                "ExpressionAttributeValues": {":n": {"N": "1"}}}},
        ]});
        server
            .database
            .transact_write_items(request(transaction))
            .unwrap();
        let batch = json!({"RequestItems": {"changes": [{"DeleteRequest": {"Key": {"pk": {"S": "a"}}}}]}});
        server.database.batch_write_item(request(batch)).unwrap();
        let expired = json!({"TableName": "changes", "Item": {"pk": {"S": "old"}, "ttl": {"N": "1000"}}});
        server.database.put_item(request(expired)).unwrap();
        assert_eq!(server.database.sweep_ttl().unwrap(), 1);

        let records = server.stream_records("changes", None, 100).unwrap();
        let expected = [
            "INSERT", "MODIFY", "INSERT", "REMOVE", "INSERT", "REMOVE", "INSERT", "REMOVE",
        ];
        assert_eq!(names(&records), expected);
        let by_ttl = &records[7];
        assert_eq!(
            by_ttl["userIdentity"],
            json!({"type": "Service", "principalId": "dynamodb.amazonaws.com"})
        );
        assert_eq!(by_ttl["dynamodb"]["OldImage"]["pk"], json!({"S": "old"}));
        assert!(by_ttl["dynamodb"].get("NewImage").is_none());
        assert!(records[5].get("userIdentity").is_none());
        let third = records[2]["dynamodb"]["SequenceNumber"].as_str().unwrap();
        let rest = server.stream_records("changes", Some(third), 2).unwrap();
        assert_eq!(rest, records[3..5]);
        let last = server.last_sequence_number("changes").unwrap().unwrap();
        assert_eq!(records[7]["dynamodb"]["SequenceNumber"], json!(last));
        assert!(
            server
                .stream_records("changes", Some(&last), 2)
                .unwrap()
                .is_empty()
        );
    }

    #[test]
    fn a_table_that_is_there_gets_its_stream_and_keeps_its_items() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("d.sqlite");
        let server = Server::open(Some(file.clone())).unwrap();
        server.ensure_table(&table(false)).unwrap();
        put(&server, "before", 1);
        assert!(
            server.stream_records("changes", None, 1).is_err(),
            "it has no stream yet"
        );
        drop(server);
        for _ in 0..2 {
            let server = Server::open(Some(file.clone())).unwrap();
            server.ensure_table(&table(true)).unwrap();
        }
        let server = Server::open(Some(file)).unwrap();
        put(&server, "before", 2);
        let records = server.stream_records("changes", None, 10).unwrap();
        assert_eq!(names(&records), ["MODIFY"]);
        assert_eq!(records[0]["dynamodb"]["OldImage"]["n"], json!({"N": "1"}));
    }

    #[test]
    fn records_past_their_retention_are_dropped_and_the_others_found_by_index() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("d.sqlite");
        let server = Server::open(Some(file.clone())).unwrap();
        server.ensure_table(&table(true)).unwrap();
        put(&server, "a", 1);
        put(&server, "b", 1);
        drop(server);
        let raw = rusqlite::Connection::open(&file).unwrap();
        raw.execute(
            "UPDATE _stream_records SET created_at = 1000 WHERE keys_json LIKE ?1",
            ["%\"a\"%"],
        )
        .unwrap();
        let plan: String = raw
            .query_row(
                "EXPLAIN QUERY PLAN SELECT COALESCE(MAX(CAST(sequence_number AS INTEGER)), 0) + 1
                 FROM _stream_records WHERE table_name = ?1",
                ["changes"],
                |row| row.get(3),
            )
            .unwrap();
        assert!(plan.contains("stream_records_in_order"), "{plan}");
        drop(raw);
        let server = Server::open(Some(file)).unwrap();
        assert_eq!(
            server.stream_records("changes", None, 10).unwrap()[0]["dynamodb"]["Keys"],
            json!({"pk": {"S": "b"}})
        );
    }
}
