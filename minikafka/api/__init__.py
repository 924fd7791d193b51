"""The API room: each request of Kafka's protocol meets the broker here, one module per family.

`dispatch` decodes a frame, finds the handler and turns `KafkaError` into the answer's error code;
handlers read the metadata image, ask the replicas or hand the request to the controller.
"""
