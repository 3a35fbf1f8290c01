/* pam: the keys with which sshd has authenticated a user. */
#include "keys.h"

#include <openssl/evp.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The longest line of a key that is looked at; one of RSA with 16384 bits, certified, has 6 KB. */
#define BASE64_MAX 65536
#define TYPE_MAX 80
#define CERTIFIED "-cert-v01@openssh.com"

/* A part of a key's blob. */
struct part {
	const uint8_t *bytes;
	size_t len;
};

/* Takes a string (RFC 4251, section 5), its length included, off the front of *rest.  Returns whether
 * there was one. */
static bool take_string(struct part *rest, struct part *whole)
{
	size_t len;

	if (rest->len < 4)
		return false;
	len = (size_t)rest->bytes[0] << 24 | (size_t)rest->bytes[1] << 16 |
	      (size_t)rest->bytes[2] << 8 | (size_t)rest->bytes[3];
	if (len > rest->len - 4)
		return false;
	*whole = (struct part){rest->bytes, len + 4};
	rest->bytes += len + 4;
	rest->len -= len + 4;
	return true;
}

/* How many strings a key of a type consists of; 0: not known. */
static int count_fields(const char *type)
{
	static const struct {
		const char *type; /* or the beginning of it, where it ends in '-' */
		int fields;
	} known[] = {
	    {"ssh-ed25519", 1},
	    {"ssh-rsa", 2},
	    {"ssh-dss", 4},
	    {"ecdsa-sha2-", 2},
	    {"sk-ssh-ed25519", 2},
	    {"sk-ecdsa-sha2-", 3},
	};

	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
		size_t len = strlen(known[i].type);

		if (strncmp(type, known[i].type, len) == 0 &&
		    (type[len] == '\0' || known[i].type[len - 1] == '-'))
			return known[i].fields;
	}
	return 0;
}

/* The type of a certificate's key: what is left without CERTIFIED; security keys keep the domain.
 * Returns whether type is a certificate's. */
static bool plain_type(const struct part *type, char out[TYPE_MAX], int *fields)
{
	const size_t suffix = sizeof(CERTIFIED) - 1;
	size_t len = type->len - 4;

	if (len <= suffix || len >= TYPE_MAX ||
	    memcmp(type->bytes + 4 + len - suffix, CERTIFIED, suffix) != 0)
		return false;
	memcpy(out, type->bytes + 4, len - suffix);
	out[len - suffix] = '\0';
	*fields = count_fields(out);
	/* Shorter than what was cut off. */
	if (strncmp(out, "sk-", 3) == 0)
		strcat(out, "@openssh.com");
	return true;
}

/* The digest of a certificate's key: the key alone would be its type and then its fields, which stand in
 * the certificate behind the type and a nonce (OpenSSH, PROTOCOL.certkeys). */
static bool digest_certified(const char *type, int fields, struct part rest, uint8_t digest[32])
{
	uint8_t length[4] = {0, 0, 0, (uint8_t)strlen(type)};
	struct part key, field;
	EVP_MD_CTX *context;
	bool done = take_string(&rest, &field) && fields > 0;

	key = (struct part){.bytes = rest.bytes};
	for (int i = 0; done && i < fields; i++) {
		done = take_string(&rest, &field);
		key.len += field.len;
	}
	context = done ? EVP_MD_CTX_new() : NULL;
	if (context == NULL)
		return false;
	done = EVP_DigestInit_ex(context, EVP_sha256(), NULL) == 1 &&
	       EVP_DigestUpdate(context, length, sizeof(length)) == 1 &&
	       EVP_DigestUpdate(context, type, strlen(type)) == 1 &&
	       EVP_DigestUpdate(context, key.bytes, key.len) == 1 &&
	       EVP_DigestFinal_ex(context, digest, NULL) == 1;
	EVP_MD_CTX_free(context);
	return done;
}

static bool digest_blob(const struct part *blob, uint8_t digest[32])
{
	struct part rest = *blob, type;
	char plain[TYPE_MAX];
	int fields;

	if (!take_string(&rest, &type))
		return false;
	if (plain_type(&type, plain, &fields))
		return digest_certified(plain, fields, rest, digest);
	return EVP_Digest(blob->bytes, blob->len, digest, NULL, EVP_sha256(), NULL) == 1;
}

/* Decodes base64 into a blob of its own, which is the caller's to free; false, and nothing to free, when
 * it is none. */
static bool decode(const char *base64, size_t len, struct part *out, uint8_t **memory)
{
	size_t padding = 0;
	int got;

	if (len == 0 || len % 4 != 0 || len > BASE64_MAX)
		return false;
	while (padding < 2 && base64[len - 1 - padding] == '=')
		padding++;
	if (memchr(base64, '=', len - padding) != NULL)
		return false;
	*memory = malloc(len / 4 * 3);
	if (*memory == NULL)
		return false;
	got = EVP_DecodeBlock(*memory, (const unsigned char *)base64, (int)len);
	if (got < 0) {
		free(*memory);
		return false;
	}
	/* It counts the padding as zeroes. */
	*out = (struct part){*memory, (size_t)got - padding};
	return true;
}

static bool fingerprint(const char *base64, size_t len, char out[POLICY_KEY_MAX])
{
	uint8_t digest[32], *memory;
	char text[45]; /* 44 characters, the last one a '=' */
	struct part blob;
	bool done;

	if (!decode(base64, len, &blob, &memory))
		return false;
	done = digest_blob(&blob, digest);
	free(memory);
	if (!done)
		return false;
	EVP_EncodeBlock((unsigned char *)text, digest, sizeof(digest));
	snprintf(out, POLICY_KEY_MAX, "SHA256:%.43s", text);
	return true;
}

size_t keys_read(const char *info, char fingerprints[POLICY_KEYS_MAX][POLICY_KEY_MAX])
{
	static const char method[] = "publickey ";
	size_t count = 0;

	while (info != NULL && *info != '\0' && count < POLICY_KEYS_MAX) {
		const char *end = strchrnul(info, '\n');
		const char *base64 = info + sizeof(method) - 1;

		if (strncmp(info, method, sizeof(method) - 1) == 0) {
			base64 += strcspn(base64, " \n");
			base64 += *base64 == ' ';
			if (fingerprint(base64, strcspn(base64, " \n"), fingerprints[count]))
				count++;
		}
		info = *end == '\0' ? end : end + 1;
	}
	return count;
}
