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
	archived BOOLEAN, chat JSON, pinned BOOLEAN, meta JSON DEFAULT '{}' NOT NULL, folder_id TEXT, tasks JSON, summary TEXT, last_read_at BIGINT,
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
CREATE TABLE config (
	id INTEGER NOT NULL,
	data JSON NOT NULL,
	version INTEGER NOT NULL,
	created_at DATETIME DEFAULT CURRENT_TIMESTAMP NOT NULL,
	updated_at DATETIME DEFAULT CURRENT_TIMESTAMP,
	PRIMARY KEY (id)
);
CREATE TABLE "tag" (
	id VARCHAR NOT NULL,
	name VARCHAR,
	user_id VARCHAR,
	meta JSON,
	CONSTRAINT pk_id_user_id PRIMARY KEY (id, user_id)
);
CREATE TABLE feedback (
	id TEXT NOT NULL,
	user_id TEXT,
	version BIGINT,
	type TEXT,
	data JSON,
	meta JSON,
	snapshot JSON,
	created_at BIGINT NOT NULL,
	updated_at BIGINT NOT NULL,
	PRIMARY KEY (id)
);
CREATE TABLE "folder" (
	id TEXT NOT NULL,
	parent_id TEXT,
	user_id TEXT NOT NULL,
	name TEXT NOT NULL,
	items JSON,
	meta JSON,
	is_expanded BOOLEAN NOT NULL,
	created_at BIGINT NOT NULL,
	updated_at BIGINT NOT NULL, data JSON,
	PRIMARY KEY (id, user_id)
);
CREATE TABLE message (
	id TEXT NOT NULL,
	user_id TEXT,
	channel_id TEXT,
	content TEXT,
	data JSON,
	meta JSON,
	created_at BIGINT,
	updated_at BIGINT, parent_id TEXT, reply_to_id TEXT, is_pinned BOOLEAN DEFAULT 0 NOT NULL, pinned_at BIGINT, pinned_by TEXT,
	PRIMARY KEY (id),
	UNIQUE (id)
);
CREATE TABLE message_reaction (
	id TEXT NOT NULL,
	user_id TEXT NOT NULL,
	message_id TEXT NOT NULL,
	name TEXT NOT NULL,
	created_at BIGINT,
	PRIMARY KEY (id),
	UNIQUE (id)
);
CREATE TABLE channel_member (
	id TEXT NOT NULL,
	channel_id TEXT NOT NULL,
	user_id TEXT NOT NULL,
	created_at BIGINT, status TEXT, is_active BOOLEAN DEFAULT 1 NOT NULL, is_channel_muted BOOLEAN DEFAULT 0 NOT NULL, is_channel_pinned BOOLEAN DEFAULT 0 NOT NULL, data JSON, meta JSON, joined_at BIGINT NOT NULL, left_at BIGINT, last_read_at BIGINT, updated_at BIGINT, role TEXT, invited_by TEXT, invited_at BIGINT,
	PRIMARY KEY (id),
	UNIQUE (id)
);
CREATE INDEX folder_id_idx ON chat (folder_id);
CREATE INDEX user_id_pinned_idx ON chat (user_id, pinned);
CREATE INDEX user_id_archived_idx ON chat (user_id, archived);
CREATE INDEX updated_at_user_id_idx ON chat (updated_at, user_id);
CREATE INDEX folder_id_user_id_idx ON chat (folder_id, user_id);
CREATE INDEX user_id_idx ON tag (user_id);
CREATE INDEX is_global_idx ON function (is_global);
CREATE TABLE oauth_session (
	id TEXT NOT NULL,
	user_id TEXT NOT NULL,
	provider TEXT NOT NULL,
	token TEXT NOT NULL,
	expires_at BIGINT NOT NULL,
	created_at BIGINT NOT NULL,
	updated_at BIGINT NOT NULL,
	PRIMARY KEY (id),
	UNIQUE (id),
	FOREIGN KEY(user_id) REFERENCES user (id) ON DELETE CASCADE
);
CREATE INDEX idx_oauth_session_user_id ON oauth_session (user_id);
CREATE INDEX idx_oauth_session_expires_at ON oauth_session (expires_at);
CREATE INDEX idx_oauth_session_user_provider ON oauth_session (user_id, provider);
CREATE TABLE group_member (
	id TEXT NOT NULL,
	group_id TEXT NOT NULL,
	user_id TEXT NOT NULL,
	created_at BIGINT,
	updated_at BIGINT,
	PRIMARY KEY (id),
	CONSTRAINT uq_group_member_group_user UNIQUE (group_id, user_id),
	UNIQUE (id),
	FOREIGN KEY(group_id) REFERENCES "group" (id) ON DELETE CASCADE,
	FOREIGN KEY(user_id) REFERENCES user (id) ON DELETE CASCADE
);
CREATE TABLE "group" (
	id TEXT NOT NULL,
	user_id TEXT,
	name TEXT,
	description TEXT,
	data JSON,
	meta JSON,
	permissions JSON,
	created_at BIGINT,
	updated_at BIGINT,
	PRIMARY KEY (id),
	UNIQUE (id)
);
CREATE TABLE api_key (
	id TEXT NOT NULL,
	user_id TEXT,
	"key" TEXT NOT NULL,
	data JSON,
	expires_at BIGINT,
	last_used_at BIGINT,
	created_at BIGINT NOT NULL,
	updated_at BIGINT NOT NULL,
	PRIMARY KEY (id),
	UNIQUE (id),
	FOREIGN KEY(user_id) REFERENCES user (id) ON DELETE CASCADE,
	UNIQUE ("key")
);
CREATE TABLE "user" (
	id VARCHAR NOT NULL,
	name VARCHAR,
	email VARCHAR,
	role VARCHAR,
	profile_image_url TEXT,
	last_active_at BIGINT,
	updated_at BIGINT,
	created_at BIGINT,
	username VARCHAR(50),
	bio TEXT,
	gender TEXT,
	date_of_birth DATE,
	profile_banner_image_url TEXT,
	timezone VARCHAR,
	presence_state VARCHAR,
	status_emoji VARCHAR,
	status_message TEXT,
	status_expires_at BIGINT,
	oauth JSON,
	info JSON,
	settings JSON, scim JSON,
	PRIMARY KEY (id)
);
CREATE TABLE channel_webhook (
	id TEXT NOT NULL,
	user_id TEXT NOT NULL,
	channel_id TEXT NOT NULL,
	name TEXT NOT NULL,
	profile_image_url TEXT,
	token TEXT NOT NULL,
	last_used_at BIGINT,
	created_at BIGINT NOT NULL,
	updated_at BIGINT NOT NULL,
	PRIMARY KEY (id),
	UNIQUE (id),
	FOREIGN KEY(channel_id) REFERENCES channel (id) ON DELETE CASCADE
);
CREATE TABLE knowledge_file (
	id TEXT NOT NULL,
	user_id TEXT NOT NULL,
	knowledge_id TEXT NOT NULL,
	file_id TEXT NOT NULL,
	created_at BIGINT NOT NULL,
	updated_at BIGINT NOT NULL,
	PRIMARY KEY (id),
	CONSTRAINT uq_knowledge_file_knowledge_file UNIQUE (knowledge_id, file_id),
	FOREIGN KEY(knowledge_id) REFERENCES knowledge (id) ON DELETE CASCADE,
	FOREIGN KEY(file_id) REFERENCES file (id) ON DELETE CASCADE
);
CREATE INDEX ix_knowledge_file_user_id ON knowledge_file (user_id);
CREATE INDEX ix_knowledge_file_knowledge_id ON knowledge_file (knowledge_id);
CREATE INDEX ix_knowledge_file_file_id ON knowledge_file (file_id);
CREATE TABLE "channel_file" (
	id TEXT NOT NULL,
	user_id TEXT NOT NULL,
	channel_id TEXT NOT NULL,
	file_id TEXT NOT NULL,
	created_at BIGINT NOT NULL,
	updated_at BIGINT NOT NULL,
	message_id TEXT,
	PRIMARY KEY (id),
	CONSTRAINT uq_channel_file_channel_file UNIQUE (channel_id, file_id),
	CONSTRAINT fk_channel_file_message_id FOREIGN KEY(message_id) REFERENCES message (id) ON DELETE CASCADE,
	FOREIGN KEY(file_id) REFERENCES file (id) ON DELETE CASCADE,
	FOREIGN KEY(channel_id) REFERENCES channel (id) ON DELETE CASCADE
);
CREATE INDEX ix_channel_file_file_id ON channel_file (file_id);
CREATE INDEX ix_channel_file_channel_id ON channel_file (channel_id);
CREATE INDEX ix_channel_file_user_id ON channel_file (user_id);
CREATE TABLE chat_file (
	id TEXT NOT NULL,
	user_id TEXT NOT NULL,
	chat_id TEXT NOT NULL,
	file_id TEXT NOT NULL,
	message_id TEXT,
	created_at BIGINT NOT NULL,
	updated_at BIGINT NOT NULL,
	PRIMARY KEY (id),
	CONSTRAINT uq_chat_file_chat_file UNIQUE (chat_id, file_id),
	FOREIGN KEY(chat_id) REFERENCES chat (id) ON DELETE CASCADE,
	FOREIGN KEY(file_id) REFERENCES file (id) ON DELETE CASCADE
);
CREATE INDEX ix_chat_file_file_id ON chat_file (file_id);
CREATE INDEX ix_chat_file_message_id ON chat_file (message_id);
CREATE INDEX ix_chat_file_chat_id ON chat_file (chat_id);
CREATE INDEX ix_chat_file_user_id ON chat_file (user_id);
CREATE TABLE prompt_history (
	id TEXT NOT NULL,
	prompt_id TEXT NOT NULL,
	parent_id TEXT,
	snapshot JSON NOT NULL,
	user_id TEXT NOT NULL,
	commit_message TEXT,
	created_at BIGINT NOT NULL,
	PRIMARY KEY (id)
);
CREATE INDEX ix_prompt_history_prompt_id ON prompt_history (prompt_id);
CREATE TABLE chat_message (
	id TEXT NOT NULL,
	chat_id TEXT NOT NULL,
	user_id TEXT,
	role TEXT NOT NULL,
	parent_id TEXT,
	content JSON,
	output JSON,
	model_id TEXT,
	files JSON,
	sources JSON,
	embeds JSON,
	done BOOLEAN,
	status_history JSON,
	error JSON,
	usage JSON,
	created_at BIGINT,
	updated_at BIGINT,
	PRIMARY KEY (id),
	FOREIGN KEY(chat_id) REFERENCES chat (id) ON DELETE CASCADE
);
CREATE INDEX ix_chat_message_chat_id ON chat_message (chat_id);
CREATE INDEX ix_chat_message_user_id ON chat_message (user_id);
CREATE INDEX ix_chat_message_created_at ON chat_message (created_at);
CREATE INDEX ix_chat_message_model_id ON chat_message (model_id);
CREATE INDEX chat_message_chat_parent_idx ON chat_message (chat_id, parent_id);
CREATE INDEX chat_message_model_created_idx ON chat_message (model_id, created_at);
CREATE INDEX chat_message_user_created_idx ON chat_message (user_id, created_at);
CREATE TABLE access_grant (
	id TEXT NOT NULL,
	resource_type TEXT NOT NULL,
	resource_id TEXT NOT NULL,
	principal_type TEXT NOT NULL,
	principal_id TEXT NOT NULL,
	permission TEXT NOT NULL,
	created_at BIGINT NOT NULL,
	PRIMARY KEY (id),
	CONSTRAINT uq_access_grant_grant UNIQUE (resource_type, resource_id, principal_type, principal_id, permission)
);
CREATE INDEX idx_access_grant_resource ON access_grant (resource_type, resource_id);
CREATE INDEX idx_access_grant_principal ON access_grant (principal_type, principal_id);
CREATE TABLE "knowledge" (
	id TEXT NOT NULL,
	user_id TEXT NOT NULL,
	name TEXT NOT NULL,
	description TEXT,
	meta JSON,
	created_at BIGINT NOT NULL,
	updated_at BIGINT,
	data JSON,
	PRIMARY KEY (id)
);
CREATE TABLE "prompt" (
	id TEXT NOT NULL,
	command VARCHAR,
	user_id VARCHAR NOT NULL,
	name TEXT NOT NULL,
	content TEXT NOT NULL,
	data JSON,
	meta JSON,
	is_active BOOLEAN DEFAULT '1' NOT NULL,
	version_id TEXT,
	tags JSON,
	created_at BIGINT NOT NULL,
	updated_at BIGINT NOT NULL,
	PRIMARY KEY (id)
);
CREATE UNIQUE INDEX ix_prompt_new_command ON prompt (command);
CREATE TABLE "tool" (
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
CREATE TABLE "model" (
	id TEXT NOT NULL,
	user_id TEXT,
	base_model_id TEXT,
	name TEXT,
	params TEXT,
	meta TEXT,
	updated_at BIGINT,
	created_at BIGINT,
	is_active BOOLEAN DEFAULT 1 NOT NULL,
	PRIMARY KEY (id)
);
CREATE TABLE "note" (
	id TEXT NOT NULL,
	user_id TEXT,
	title TEXT,
	data JSON,
	meta JSON,
	created_at BIGINT,
	updated_at BIGINT, is_pinned BOOLEAN,
	PRIMARY KEY (id),
	UNIQUE (id)
);
CREATE TABLE "channel" (
	id TEXT NOT NULL,
	user_id TEXT,
	name TEXT,
	description TEXT,
	data JSON,
	meta JSON,
	created_at BIGINT,
	updated_at BIGINT,
	type TEXT,
	is_private BOOLEAN,
	archived_at BIGINT,
	archived_by TEXT,
	deleted_at BIGINT,
	deleted_by TEXT,
	updated_by TEXT,
	PRIMARY KEY (id),
	UNIQUE (id)
);
CREATE TABLE "file" (
	id VARCHAR NOT NULL,
	user_id VARCHAR,
	filename TEXT,
	meta JSON,
	created_at BIGINT,
	hash TEXT,
	data JSON,
	updated_at BIGINT,
	path TEXT,
	PRIMARY KEY (id)
);
CREATE TABLE skill (
	id VARCHAR NOT NULL,
	user_id VARCHAR NOT NULL,
	name TEXT NOT NULL,
	description TEXT,
	content TEXT NOT NULL,
	meta JSON,
	is_active BOOLEAN NOT NULL,
	updated_at BIGINT NOT NULL,
	created_at BIGINT NOT NULL,
	PRIMARY KEY (id),
	UNIQUE (name)
);
CREATE INDEX idx_skill_user_id ON skill (user_id);
CREATE INDEX idx_skill_updated_at ON skill (updated_at);
CREATE TABLE automation (
	id TEXT NOT NULL,
	user_id TEXT NOT NULL,
	name TEXT NOT NULL,
	data JSON NOT NULL,
	meta JSON,
	is_active BOOLEAN NOT NULL,
	last_run_at BIGINT,
	next_run_at BIGINT,
	created_at BIGINT NOT NULL,
	updated_at BIGINT NOT NULL,
	PRIMARY KEY (id)
);
CREATE INDEX ix_automation_next_run ON automation (next_run_at);
CREATE TABLE automation_run (
	id TEXT NOT NULL,
	automation_id TEXT NOT NULL,
	chat_id TEXT,
	status TEXT NOT NULL,
	error TEXT,
	created_at BIGINT NOT NULL,
	PRIMARY KEY (id)
);
CREATE INDEX ix_automation_run_automation_id ON automation_run (automation_id);
