"""Accepted keys of security: authorization, delegation tokens, SASL, TLS. See `accepted`."""

from typing import Final

TABLE: Final = """\
authorizer.class.name: string =
    The authorizer. Empty: everybody may do everything. Here everybody may in any case, and a node
    that has one configured warns of it when it starts.
super.users: string =, internal
    Principals that the standard authorizer never refuses, separated by semicolons.
allow.everyone.if.no.acl.found: boolean = false, internal
    What the standard authorizer says where no ACL applies.
principal.builder.class: class = \
org.apache.kafka.common.security.authenticator.DefaultKafkaPrincipalBuilder, per-broker
    A Java class that derives principals from connections. Java classes cannot be loaded here.
security.providers: string = null
    Java security providers. They mean nothing here.
delegation.token.secret.key: password = null
    The secret that signs delegation tokens, the same on all nodes. Unset: no tokens.
delegation.token.max.lifetime.ms: long = 604800000, 1..
    A delegation token cannot be renewed beyond this age.
delegation.token.expiry.time.ms: long = 86400000, 1..
    A delegation token is valid for this long unless it is renewed.
delegation.token.expiry.check.interval.ms: long = 3600000, 1..
    How often expired delegation tokens are searched for.
sasl.enabled.mechanisms: list = GSSAPI, per-broker
    The SASL mechanisms on offer.
sasl.mechanism.inter.broker.protocol: string = GSSAPI, per-broker
    The SASL mechanism between brokers.
sasl.mechanism.controller.protocol: string = GSSAPI
    The SASL mechanism towards controllers.
sasl.jaas.config: password = null, per-broker
    The JAAS entry of a listener's mechanism; with the prefix listener.name.NAME.MECHANISM.
sasl.server.max.receive.size: int = 524288
    The largest message before a connection is authenticated.
sasl.server.callback.handler.class: class = null
    A Java class that checks credentials. Java classes cannot be loaded here.
sasl.client.callback.handler.class: class = null
    A Java class that supplies credentials. Java classes cannot be loaded here.
sasl.login.callback.handler.class: class = null
    A Java class that logs in. Java classes cannot be loaded here.
sasl.login.class: class = null
    A Java class that logs in. Java classes cannot be loaded here.
sasl.login.connect.timeout.ms: int = null
    How long to wait for a connection to the OAuth provider.
sasl.login.read.timeout.ms: int = null
    How long to wait for an answer of the OAuth provider.
sasl.login.refresh.buffer.seconds: short = 300, per-broker
    A credential is renewed at least so long before it expires.
sasl.login.refresh.min.period.seconds: short = 60, per-broker
    A credential is renewed at most so often.
sasl.login.refresh.window.factor: double = 0.8, per-broker
    The part of a credential's life after which it is renewed.
sasl.login.refresh.window.jitter: double = 0.05, per-broker
    The part of a credential's life by which that moment varies.
sasl.login.retry.backoff.ms: long = 100
    The first pause between attempts to reach the OAuth provider.
sasl.login.retry.backoff.max.ms: long = 10000
    The longest pause between attempts to reach the OAuth provider.
sasl.kerberos.service.name: string = null, per-broker
    The Kerberos service under which Kafka runs.
sasl.kerberos.kinit.cmd: string = /usr/bin/kinit, per-broker
    The path of kinit.
sasl.kerberos.min.time.before.relogin: long = 60000, per-broker
    The shortest time between two Kerberos logins, in ms.
sasl.kerberos.principal.to.local.rules: list = DEFAULT, per-broker
    Rules that shorten Kerberos principals to user names.
sasl.kerberos.ticket.renew.jitter: double = 0.05, per-broker
    The share of chance in the time at which a ticket is renewed.
sasl.kerberos.ticket.renew.window.factor: double = 0.8, per-broker
    The part of a ticket's life after which it is renewed.
sasl.oauthbearer.assertion.algorithm: string = RS256, ~ES256/RS256
    How client assertions are signed.
sasl.oauthbearer.assertion.claim.aud: string = null
    The aud claim of client assertions.
sasl.oauthbearer.assertion.claim.exp.seconds: int = 300, 0..86400
    How long a client assertion is valid.
sasl.oauthbearer.assertion.claim.iss: string = null
    The iss claim of client assertions.
sasl.oauthbearer.assertion.claim.jti.include: boolean = false
    Whether client assertions carry a unique jti claim.
sasl.oauthbearer.assertion.claim.nbf.seconds: int = 60, 0..3600
    Since how many seconds a new client assertion is valid.
sasl.oauthbearer.assertion.claim.sub: string = null
    The sub claim of client assertions.
sasl.oauthbearer.assertion.file: string = null
    A file with a finished client assertion.
sasl.oauthbearer.assertion.private.key.file: string = null
    The key that signs client assertions, a PEM file.
sasl.oauthbearer.assertion.private.key.passphrase: password = null
    The passphrase of that key.
sasl.oauthbearer.assertion.template.file: string = null
    A file with claims and headers of client assertions.
sasl.oauthbearer.client.credentials.client.id: string = null
    The client id for the OAuth provider.
sasl.oauthbearer.client.credentials.client.secret: password = null
    The client secret for the OAuth provider.
sasl.oauthbearer.clock.skew.seconds: int = 30
    By how much the OAuth provider's clock may differ.
sasl.oauthbearer.expected.audience: list =
    A token must be made for one of these audiences. Empty: any.
sasl.oauthbearer.expected.issuer: string = null
    A token must be issued by this issuer. Unset: any.
sasl.oauthbearer.jwks.endpoint.url: string = null
    Where the keys that verify tokens are.
sasl.oauthbearer.jwks.endpoint.refresh.ms: long = 3600000
    How often those keys are fetched anew.
sasl.oauthbearer.jwks.endpoint.retry.backoff.ms: long = 100
    The first pause between attempts to fetch them.
sasl.oauthbearer.jwks.endpoint.retry.backoff.max.ms: long = 10000
    The longest pause between attempts to fetch them.
sasl.oauthbearer.jwt.retriever.class: class = \
org.apache.kafka.common.security.oauthbearer.DefaultJwtRetriever
    A Java class that gets tokens. Java classes cannot be loaded here.
sasl.oauthbearer.jwt.validator.class: class = \
org.apache.kafka.common.security.oauthbearer.DefaultJwtValidator
    A Java class that checks tokens. Java classes cannot be loaded here.
sasl.oauthbearer.scope: string = null
    The scope that is asked for with a token.
sasl.oauthbearer.scope.claim.name: string = scope
    The claim that holds the scope.
sasl.oauthbearer.sub.claim.name: string = sub
    The claim that holds the subject.
sasl.oauthbearer.token.endpoint.url: string = null
    Where the OAuth provider issues tokens.
ssl.allow.dn.changes: boolean = false
    Whether a new certificate may carry another distinguished name.
ssl.allow.san.changes: boolean = false
    Whether a new certificate may carry other alternative names.
ssl.cipher.suites: list =, per-broker
    The cipher suites on offer. Empty: all that the TLS library offers.
ssl.client.auth: string = none, required/requested/none, per-broker
    Whether clients must, may or need not show a certificate.
ssl.enabled.protocols: list = TLSv1.2,TLSv1.3, per-broker
    The TLS versions on offer.
ssl.endpoint.identification.algorithm: string = https, per-broker
    How the name in a peer's certificate is checked. Empty: not at all.
ssl.engine.factory.class: class = null, per-broker
    A Java class that makes TLS engines. Java classes cannot be loaded here.
ssl.key.password: password = null, per-broker
    The password of the private key.
ssl.keymanager.algorithm: string = SunX509, per-broker
    Java's key manager. It means nothing here.
ssl.keystore.certificate.chain: password = null, per-broker
    The certificate chain itself, as PEM.
ssl.keystore.key: password = null, per-broker
    The private key itself, as PEM.
ssl.keystore.location: string = null, per-broker
    The file with this node's key and certificates.
ssl.keystore.password: password = null, per-broker
    The password of that file.
ssl.keystore.type: string = JKS, per-broker
    The format of that file.
ssl.principal.mapping.rules: string = DEFAULT
    Rules that shorten the names in certificates to user names.
ssl.protocol: string = TLSv1.3, per-broker
    The highest TLS version.
ssl.provider: string = null, per-broker
    Java's TLS provider. It means nothing here.
ssl.secure.random.implementation: string = null, per-broker
    Java's random source for TLS. It means nothing here.
ssl.trustmanager.algorithm: string = PKIX, per-broker
    Java's trust manager. It means nothing here.
ssl.truststore.certificates: password = null, per-broker
    The trusted certificates themselves, as PEM.
ssl.truststore.location: string = null, per-broker
    The file with the trusted certificates.
ssl.truststore.password: password = null, per-broker
    The password of that file.
ssl.truststore.type: string = JKS, per-broker
    The format of that file.
"""
