from tests.s3 import aws, bucket, moto_url

__all__ = ["aws", "bucket", "moto_url"]
