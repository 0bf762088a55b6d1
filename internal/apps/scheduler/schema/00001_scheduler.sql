-- +goose Up
CREATE TABLE days (
    id BIGINT PRIMARY KEY,
    name VARCHAR(255) NOT NULL
);

-- version counts the changes of a slot and of what is booked in it.
CREATE TABLE appointments (
    id BIGINT PRIMARY KEY,
    time VARCHAR(255) NOT NULL,
    day_id BIGINT NOT NULL REFERENCES days (id) ON DELETE CASCADE,
    version BIGINT NOT NULL
);
CREATE INDEX appointments_day ON appointments (day_id);

CREATE TABLE interviewers (
    id BIGINT PRIMARY KEY,
    name VARCHAR(255) NOT NULL,
    avatar VARCHAR(255) NOT NULL
);

CREATE TABLE available_interviewers (
    day_id BIGINT NOT NULL REFERENCES days (id) ON DELETE CASCADE,
    interviewer_id BIGINT NOT NULL REFERENCES interviewers (id) ON DELETE CASCADE,
    PRIMARY KEY (day_id, interviewer_id)
);
CREATE INDEX available_interviewers_interviewer ON available_interviewers (interviewer_id);

-- What anybody may know of a booking. The primary key is why a slot never holds
-- two. An interviewer with bookings is not deleted behind their backs.
CREATE TABLE interviews (
    appointment_id BIGINT PRIMARY KEY REFERENCES appointments (id) ON DELETE CASCADE,
    interviewer_id BIGINT NOT NULL REFERENCES interviewers (id),
    booked_by TEXT NOT NULL
);
CREATE INDEX interviews_interviewer ON interviews (interviewer_id);

-- What only some may know of it.
CREATE TABLE interview_names (
    appointment_id BIGINT PRIMARY KEY REFERENCES interviews (appointment_id) ON DELETE CASCADE,
    booked_by TEXT NOT NULL,
    student VARCHAR(255) NOT NULL
);

-- +goose Down
DROP TABLE interview_names;
DROP TABLE interviews;
DROP TABLE available_interviewers;
DROP TABLE interviewers;
DROP TABLE appointments;
DROP TABLE days;
