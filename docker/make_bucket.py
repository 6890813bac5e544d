"""Make the bucket of LIVECLASS_OBJECTS_URL, if the object store has none of that name.

    python make_bucket.py

For a store of one's own, as compose.yaml's; where a bucket is somebody else's it is there already.
"""

import asyncio
import os
from urllib.parse import urlsplit

from aioboto3.session import Session
from botocore.exceptions import ClientError


async def main() -> None:
    """Make it."""
    bucket = urlsplit(os.environ["LIVECLASS_OBJECTS_URL"]).netloc
    region = os.environ.get("AWS_REGION", "us-east-1")
    async with Session().client("s3", region_name=region) as client:  # type: ignore[no-untyped-call]
        try:
            await client.create_bucket(Bucket=bucket)
        except ClientError as error:
            if error.response["Error"]["Code"] not in (
                "BucketAlreadyOwnedByYou", "BucketAlreadyExists",
            ):  # fmt: skip
                raise


asyncio.run(main())
