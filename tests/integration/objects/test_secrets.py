"""Stream keys, from wherever they are kept, to whoever may have them, and to nobody else."""

import base64
import os

import pytest
from aioboto3.session import Session

from server.errors import ForbiddenError, UnavailableError
from server.ids import new_id
from server.secrets.references import References
from server.secrets.secret import Secret
from server.secrets.vault import Vault
from server.store import tenants


def new_key():
    return Secret(base64.b64encode(os.urandom(32)).decode())


@pytest.fixture
async def tenant(pools):
    return (await tenants.create(pools, "School")).id


@pytest.fixture
def vault(pools):
    return Vault(pools, [new_key()])


@pytest.fixture
def references(vault):
    return References(vault)


async def put(pools, vault, tenant, text="live_key"):
    async with pools.tenant(tenant) as connection:
        return await vault.put(connection, tenant, Secret(text))


async def test_a_key_is_put_resolved_and_dropped(pools, vault, references, tenant, owner):
    reference = await put(pools, vault, tenant)
    assert (await references.resolve(reference, tenant)).reveal() == "live_key"
    assert b"live_key" not in await owner.fetchval("SELECT ciphertext FROM secrets")
    async with pools.tenant(tenant) as connection:
        for _ in range(2):
            await vault.drop(connection, reference)
    assert await references.resolve(reference, tenant) is None


async def test_another_tenant_neither_reads_nor_drops_nor_puts(pools, vault, references, tenant):
    other = (await tenants.create(pools, "Other")).id
    reference = await put(pools, vault, tenant)
    assert await references.resolve(reference, other) is None
    async with pools.tenant(other) as connection:
        await vault.drop(connection, reference)
    assert await references.resolve(reference, tenant)
    with pytest.raises(ForbiddenError):
        async with pools.tenant(other) as connection:
            await vault.put(connection, tenant, Secret("x"))


async def test_a_request_that_fails_has_put_nothing(pools, vault, tenant, owner):
    async def fail():
        async with pools.tenant(tenant) as connection:
            await vault.put(connection, tenant, Secret("x"))
            raise RuntimeError

    with pytest.raises(RuntimeError):
        await fail()
    assert await owner.fetchval("SELECT count(*) FROM secrets") == 0


@pytest.mark.parametrize("at", [8, 25, -1])
async def test_a_ciphertext_that_was_changed_does_not_open(pools, vault, tenant, owner, at):
    reference = await put(pools, vault, tenant)
    changed = bytearray(await owner.fetchval("SELECT ciphertext FROM secrets"))
    changed[at] ^= 1
    await owner.execute("UPDATE secrets SET ciphertext = $1", bytes(changed))
    assert await vault.resolve(reference, tenant) is None


async def test_a_ciphertext_opens_in_its_own_row_only(pools, vault, tenant, owner):
    """Whoever can write the table cannot make one destination stream with another's key."""
    first = await put(pools, vault, tenant, "first")
    second = await put(pools, vault, tenant, "second")
    await owner.execute(
        "UPDATE secrets SET ciphertext = (SELECT ciphertext FROM secrets WHERE id = $1) "
        "WHERE id = $2",
        first.removeprefix("vault:"),
        second.removeprefix("vault:"),
    )
    assert (await vault.resolve(first, tenant)).reveal() == "first"
    assert await vault.resolve(second, tenant) is None


async def test_keys_are_rotated(pools, tenant):
    old, new = new_key(), new_key()
    before = Vault(pools, [old])
    kept = {await put(pools, before, tenant, f"key{n}"): f"key{n}" for n in range(20)}
    both = Vault(pools, [new, old])
    for reference, text in kept.items():
        assert (await both.resolve(reference, tenant)).reveal() == text
    assert await both.rotate() == 20
    assert await both.rotate() == 0
    after = Vault(pools, [new])
    for reference, text in kept.items():
        assert (await after.resolve(reference, tenant)).reveal() == text
        assert await before.resolve(reference, tenant) is None


async def test_a_key_from_the_environment_or_a_file(references, monkeypatch, tmp_path):
    monkeypatch.setenv("STREAM_KEY_A", "from_env")
    monkeypatch.setenv("LIVECLASS_TOKEN_SECRET", "ours")
    (tmp_path / "key").write_text("from_file\n")
    (tmp_path / "empty").write_text("\n")
    (tmp_path / "binary").write_bytes(b"\xff\xfe")
    (tmp_path / "long").write_text("x" * 5000)
    tenant = new_id()
    assert (await references.resolve("env:STREAM_KEY_A", tenant)).reveal() == "from_env"
    assert (await references.resolve(f"file:{tmp_path}/key", tenant)).reveal() == "from_file"
    for reference in (
        "env:NOT_SET_ANYWHERE", "env:LIVECLASS_TOKEN_SECRET", f"file:{tmp_path}/none",
        f"file:{tmp_path}/empty", f"file:{tmp_path}/binary", f"file:{tmp_path}/long",
        f"file:{tmp_path}", "ftp:x", "nothing", f"vault:{new_id()}", "vault:x",
    ):  # fmt: skip
        assert await references.resolve(reference, tenant) is None, reference


async def test_a_key_from_the_secrets_manager(references, aws, monkeypatch):
    async with Session().client("secretsmanager", region_name="eu-west-1") as client:
        arn = (await client.create_secret(Name="stream", SecretString="from_aws"))["ARN"]
    assert (await references.resolve(f"aws-sm:{arn}", "t")).reveal() == "from_aws"
    for other in (arn.replace("stream", "other"), "arn:aws:s3:::bucket", "x"):
        assert await references.resolve(f"aws-sm:{other}", "t") is None
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    with pytest.raises(UnavailableError):
        await references.resolve(f"aws-sm:{arn}", "t")
