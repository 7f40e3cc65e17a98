//! Text that must stay exactly as it is.

use std::borrow::Cow;

use super::super::scrub;
use super::{ALNUM, BASE64, HEX, Random};

const LINES: &str = r#"
password = get_password()
password = getpass.getpass("Password: ")
password = request.form["password"]
password = os.environ["DB_PASSWORD"]
password = os.getenv("DB_PASSWORD")
password = config.password
password = self.password
password = user.password_hash
password: String,
password: string;
password: str = None
password?: string
password: Option<String>,
password: &'a str,
password: z.string().min(8)
password: { type: String, required: true }
password: required
password: true
"password": "string"
"password": null
"password": {"type": "string"}
"password": "Password"
"password": "Enter your password"
'password': 'The password must be at least 8 characters.'
password VARCHAR(255) NOT NULL
<input type="password" name="password">
<label for="password">Password</label>
if password == other:
if (password !== confirm) return;
if password != "":
password_field = "user_password"
password_hash = hash(password)
passwordless: true
def check_password(self, password: str) -> bool:
fn verify(password: &str, hash: &str) -> Result<(), Error> {
let password = password.trim();
PASSWORD=$DB_PASSWORD
PASSWORD=${DB_PASSWORD}
PASSWORD="$1"
PASSWORD=$(cat /run/secrets/pw)
PASSWORD=<your password>
PASSWORD=***
PASSWORD_FILE=/run/secrets/db_password
DB_PASSWORD=%DB_PASSWORD%
PWD=/home/demo/project
OLDPWD=/home/demo
NOPASSWD: ALL
mysql -u root --password
use --password to set it
pass --password-stdin to read it
the password is required
the password is wrong
what is the password?
password, username, email
["username", "password", "email"]
token = os.environ["X"]
token = os.environ.get("GITHUB_TOKEN")
token = self.token
token: String
token: string | null;
token = lexer.next_token()
token = tokens[0]
token = next(stream)
token += char
if token == other:
if token.kind == TokenKind::Ident {
token = token or default_token
token: ${{ secrets.GITHUB_TOKEN }}
GITHUB_TOKEN: ${{ secrets.GITHUB_TOKEN }}
token: process.env.TOKEN,
const token = process.env.TOKEN;
const token = await getToken();
const token = req.headers.authorization;
const { token } = props;
"token": "identifier"
{"token": "function", "line": 12}
token_type = "bearer"
"token_type": "bearer"
token_count = 512
max_tokens: 4096
"max_tokens": 4096,
"input_tokens": 15213, "output_tokens": 812
"cache_read_input_tokens": 5775
tokens = 123456789
num_tokens=128000
tokenizer = AutoTokenizer.from_pretrained("bert-base-uncased")
tokenizer: "cl100k_base"
pad_token = "<pad>"
eos_token="<|endoftext|>"
next_token = "page2cursor17"
nextPageToken: "CAUQAA1234567890"
CancellationToken token = source.Token;
csrf_token()
Unexpected token '<', "<!DOCTYPE "... is not valid JSON
SyntaxError: Unexpected token: punc (})
secret: true
secretary = "Mrs. Miller"
secret_name = "my-secret"
secretName: tls-cert
secretKeyRef: {name: db, key: password}
secret = load_secret(path)
client_secret = settings.client_secret
"client_secret": "<client_secret>"
keyboard = "qwertz123456"
key = "user:1234:profile"
key: 3f2a9b1c8d7e
primary_key = "id"
primary_key=True, nullable=False
foreign_key: "user_id2"
sort_key = "created_at#2024"
partition_key = "tenant#1234abcd"
cache_key = "a1b2c3d4e5f6g7h8"
public_key = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIB"
api_key = settings.API_KEY
api_key=args.api_key
api_key: Optional[str] = None
api_key = "your-api-key-here"
API_KEY=your_api_key_here
API_KEY=<your-key>
API_KEY=xxxxxxxxxxxx
"apiKey": "{{ api_key }}"
apiKey: import.meta.env.VITE_API_KEY,
const apiKey = config.get('apiKey');
x-api-key: ${API_KEY}
-H "x-api-key: $ANTHROPIC_API_KEY"
AWS_ACCESS_KEY_ID=$AWS_ACCESS_KEY_ID
private_key_path = "/etc/ssl/private/server.key"
ssl_certificate_key /etc/nginx/server.key;
private_key: /etc/ssl/private/key.pem
keys = ["a", "b"]
Object.keys(token).map(key => key)
for key, value in items.items():
if key in self.cache: return self.cache[key]
onKeyDown={e => e.key === 'Enter'}
monkey = "george12345"
turkey: 12345678
author = "Jane Doe"
authors: ["a"]
authority = "https://login.example.com"
auth: true
auth = HTTPBasicAuth(user, password)
auth: 'oauth2'
auth_method = "password"
authenticated = user.is_authenticated
Authorization: Bearer $TOKEN
Authorization: Bearer ${TOKEN}
Authorization: Bearer <token>
Authorization: Bearer token
Authorization: `Bearer ${token}`
"Authorization": f"Bearer {token}"
'Authorization': 'Bearer ' + token
headers.authorization = "Bearer " + this.token
authorization: string;
Authorization header is missing
Bearer authentication is described in RFC 6750
Bearer tokens are opaque strings
cookie: string
const cookie = document.cookie;
cookies = request.cookies
cookie_secure = True
Cookie: $COOKIE
compass: "north12"
bypass = "always1"
pass
pass: 12, fail: 3
passed: 128 failed: 0
test_pass = "ok123456"
class Password(str):
import { Token } from "./token";
use crate::token::{Token, TokenKind};
credentials: 'include'
credentials = load_credentials()
Credentials::default()
550e8400-e29b-41d4-a716-446655440000
id: 550e8400-e29b-41d4-a716-446655440000
commit 9fceb02d0ae598e95dc970b74767f19372d61af8
index 83db48f..bf2a3c1 100644
sha256: e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855
"integrity": "sha512-oKWePCxqpd6FlLvGV1VU0x7bkPmmCNolxzjMf4NczoDnQcIWrAF+cPtZn5i6n+RfD2d9i0tzpKnG6Yk168yIyw=="
<div class="sk-button-primary-large sk-card-2-columns-wide">
.sk-fading-circle .sk-circle12:before { animation-delay: -0.1s; }
.sk-estimator-container-id-1 .sk-toggleable__content {
task-sk-1234567890abcdef1234567890abcdef
risk-assessment-2024-final-version-3
disk-usage-analyzer-0.12.3-x86_64-linux
sk-learn-contrib-boruta-py-version-2
sk_live_key
sk_test_helper(x)
npm_config_registry=https://registry.npmjs.org/
npm_lifecycle_event=test
npm_package_version=1.2.3
npm_config_user_agent
pypi-simple==1.5.0
pip install pypi-attestations
hf_hub_download(repo_id="a/b", filename="x")
HF_HOME=/data/hf
from huggingface_hub import hf_api
ghp_token = None
gho_ghs_ghp_
glpat-your-token-here
xoxb-your-token
AKIA
AKIAlowercase
AIzadcf
eyJ is the start of a token
eyJhbGciOiJIUzI1NiJ9
SG.Component.render
xoxo-hugs-and-kisses-from-all-of-us
v1.2.3 and v10.11.12-beta.1
dapi_version = 2
key-value-store-backend
http://localhost:8080/path?x=a@b
https://example.com:443/a:b@c
https://user@example.com/x
git@github.com:owner/repo.git
ssh://git@github.com:22/owner/repo.git
postgres://user:${DB_PASSWORD}@localhost/app
postgres://user:$PW@localhost/app
postgres://user:<password>@localhost/app
postgres://user:***@localhost/app
postgresql://{user}:{password}@{host}/{db}
docker://alpine:3.18@sha256:c5b1261d6d3e43071626931fc004f70149baeba2c8ec672bd4f27761f8e1ad6b
mailto:joe@example.com
file:///home/demo/a.txt
https://example.com/?q=token&x=1
https://hooks.slack.com/services/
https://discord.com/api/webhooks/{id}/{token}
std::env::var("API_KEY")?
env!("CARGO_PKG_VERSION")
-----BEGIN CERTIFICATE-----
-----BEGIN PUBLIC KEY-----
if text.startswith("-----BEGIN PRIVATE KEY-----"):
grep -r 'BEGIN RSA PRIVATE KEY' .
----------------------------------------
docker run -u 1000:1000 alpine
chown -u root:root x
git push -u origin main
curl -u "$USER:$PASS" https://example.com
curl -u joe https://example.com
scheme://[user:passwd@]proxy.server:port
https://user:pass@example.com/
$PASSWORD = $Config->{proxy_pass} || "";
:type passphrase: :py:data:`bytes`
pub GetContextToken: SpGetContextTokenFn,
pub const SIGNING_KEY: X509HardwareKeyUsageFlags = 1i32;
r"(?P<public_key>.*?):(?P<secret_key>.*?)@(?P<host>.*?)/"
HashMap<private_key, Vec<u8>>
Vec<private_key>
<privateer>ship</privateer>
class A { private: int x; }
a < private && b > 2
if (x <privateCount) {}
!function(e,t){"object"==typeof exports&&"undefined"!=typeof module?t(exports):0}(this,(function(e){var t=e.token,n=t.key;return n?e.secret:t}));
.a{color:#fff;background:url(data:image/png;base64,iVBORw0KGgo=)}
The secretariat keeps the key to the token box.
tests/test_tokens.py::test_secret_key PASSED [ 50%]
src/auth/token.rs:12:    let token = Token::new(kind, span);
src/password.py:3:import secrets
M  src/secrets.rs
?? tests/canaries.rs
error[E0425]: cannot find value `token` in this scope
warning: unused variable: `password`
assert_eq!(token, "abc");
expect(token).toBe(undefined)
mov r12, [rsp+0x20]
0x7ffd5e8c1a2b
127.0.0.1:5432
2024-05-01T12:00:00.000Z
/usr/lib/python3.12/site-packages/keyring/credentials.py
C:\Users\demo\AppData\Local\token\cache
"structuredPatch": [], "userModified": false
toolu_01GwWJbTgCaAc6BrQvsjnm28
"session_id": "94c6dcaa-5e95-473f-af7d-45b765054632"
"tool_use_id": "toolu_01JG2ghGkmJ31SRvEXbUwjYb"
"#;

fn escaped(text: &str) -> String {
    serde_json::to_string(text).unwrap()
}

fn assert_stays(text: &str) {
    let changed = changed(text);
    assert!(changed.is_empty(), "{changed}");
}

/// What became of a text, or nothing when it stayed.
fn changed(text: &str) -> String {
    match scrub(text) {
        Cow::Owned(after) => format!("from: {text}\n  to: {after}\n"),
        Cow::Borrowed(_) => String::new(),
    }
}

#[test]
fn harmless_lines_stay() {
    let lines: Vec<&str> = LINES.lines().filter(|line| !line.is_empty()).collect();
    assert!(lines.len() >= 150);
    let mut failures = String::new();
    for line in lines {
        failures += &changed(line);
        failures += &changed(&escaped(line));
        failures += &changed(&escaped(&escaped(line)));
        failures += &changed(&format!("before\n    {line}\nafter"));
        failures += &changed(&escaped(&format!("before\n    {line}\nafter")));
        failures += &changed(&format!("// {line} and more"));
    }
    assert!(failures.is_empty(), "{failures}");
}

#[test]
fn random_identifiers_stay() {
    let mut random = Random::new(5);
    for _ in 0..2_000 {
        for (length, alphabet) in [(40, HEX), (64, HEX), (32, HEX), (24, ALNUM), (200, BASE64)] {
            let word = random.word(length, alphabet);
            assert_stays(&format!("id {word} end"));
            assert_stays(&format!("\"id\": \"{word}\""));
        }
    }
}

#[test]
fn a_picture_in_base64_stays() {
    let mut random = Random::new(9);
    for _ in 0..20 {
        let picture = random.word(40_000, BASE64);
        assert_stays(&format!("data:image/png;base64,{picture}"));
    }
}
