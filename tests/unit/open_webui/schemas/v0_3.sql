CREATE TABLE alembic_version (
	version_num VARCHAR(32) NOT NULL,
	CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num)
);
CREATE TABLE auth (
	id VARCHAR NOT NULL,
	email VARCHAR,
	password TEXT,
	active BOOLEAN,
	PRIMARY KEY (id)
);
CREATE TABLE chat (
	id VARCHAR NOT NULL,
	user_id VARCHAR,
	title TEXT,
	created_at BIGINT,
	updated_at BIGINT,
	share_id TEXT,
	archived BOOLEAN, chat JSON,
	PRIMARY KEY (id),
	UNIQUE (share_id)
);
CREATE TABLE chatidtag (
	id VARCHAR NOT NULL,
	tag_name VARCHAR,
	chat_id VARCHAR,
	user_id VARCHAR,
	timestamp BIGINT,
	PRIMARY KEY (id)
);
CREATE TABLE document (
	collection_name VARCHAR NOT NULL,
	name VARCHAR,
	title TEXT,
	filename TEXT,
	content TEXT,
	user_id VARCHAR,
	timestamp BIGINT,
	PRIMARY KEY (collection_name),
	UNIQUE (name)
);
CREATE TABLE file (
	id VARCHAR NOT NULL,
	user_id VARCHAR,
	filename TEXT,
	meta TEXT,
	created_at BIGINT, hash TEXT, data JSON, updated_at BIGINT,
	PRIMARY KEY (id)
);
CREATE TABLE function (
	id VARCHAR NOT NULL,
	user_id VARCHAR,
	name TEXT,
	type TEXT,
	content TEXT,
	meta TEXT,
	valves TEXT,
	is_active BOOLEAN,
	is_global BOOLEAN,
	updated_at BIGINT,
	created_at BIGINT,
	PRIMARY KEY (id)
);
CREATE TABLE memory (
	id VARCHAR NOT NULL,
	user_id VARCHAR,
	content TEXT,
	updated_at BIGINT,
	created_at BIGINT,
	PRIMARY KEY (id)
);
CREATE TABLE model (
	id TEXT NOT NULL,
	user_id TEXT,
	base_model_id TEXT,
	name TEXT,
	params TEXT,
	meta TEXT,
	updated_at BIGINT,
	created_at BIGINT,
	PRIMARY KEY (id)
);
CREATE TABLE prompt (
	command VARCHAR NOT NULL,
	user_id VARCHAR,
	title TEXT,
	content TEXT,
	timestamp BIGINT,
	PRIMARY KEY (command)
);
CREATE TABLE tag (
	id VARCHAR NOT NULL,
	name VARCHAR,
	user_id VARCHAR,
	data TEXT,
	PRIMARY KEY (id)
);
CREATE TABLE tool (
	id VARCHAR NOT NULL,
	user_id VARCHAR,
	name TEXT,
	content TEXT,
	specs TEXT,
	meta TEXT,
	valves TEXT,
	updated_at BIGINT,
	created_at BIGINT,
	PRIMARY KEY (id)
);
CREATE TABLE user (
	id VARCHAR NOT NULL,
	name VARCHAR,
	email VARCHAR,
	role VARCHAR,
	profile_image_url TEXT,
	last_active_at BIGINT,
	updated_at BIGINT,
	created_at BIGINT,
	api_key VARCHAR,
	settings TEXT,
	info TEXT,
	oauth_sub TEXT,
	PRIMARY KEY (id),
	UNIQUE (api_key),
	UNIQUE (oauth_sub)
);
CREATE TABLE config (
	id INTEGER NOT NULL,
	data JSON NOT NULL,
	version INTEGER NOT NULL,
	created_at DATETIME DEFAULT CURRENT_TIMESTAMP NOT NULL,
	updated_at DATETIME DEFAULT CURRENT_TIMESTAMP,
	PRIMARY KEY (id)
);
CREATE TABLE knowledge (
	id TEXT NOT NULL,
	user_id TEXT NOT NULL,
	name TEXT NOT NULL,
	description TEXT,
	data JSON,
	meta JSON,
	created_at BIGINT NOT NULL,
	updated_at BIGINT,
	PRIMARY KEY (id)
);
