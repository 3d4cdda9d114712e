//! The local stack: S3, DynamoDB, Lambda and API Gateway in one process, for development only.
